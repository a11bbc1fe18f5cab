export const nameErrors = {
  LVM2001: { title: "unknown name", explanation: "" },
} as const;
