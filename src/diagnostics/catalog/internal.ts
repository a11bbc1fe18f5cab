export const internalErrors = {
  LVM9001: { title: "internal error", explanation: "" },
} as const;
