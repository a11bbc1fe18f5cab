export const codegenErrors = {
  LVM6001: { title: "not supported by this target", explanation: "" },
} as const;
