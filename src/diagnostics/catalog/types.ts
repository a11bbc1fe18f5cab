export const typeErrors = {
  LVM3001: { title: "wrong type", explanation: "" },
} as const;
