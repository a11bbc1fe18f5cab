export const runtimeErrors = {
  LVM7001: { title: "cannot read data", explanation: "" },
} as const;
