export const objectiveErrors = {
  LVM5001: { title: "unknown objective", explanation: "" },
} as const;
