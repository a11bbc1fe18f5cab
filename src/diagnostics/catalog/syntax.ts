export const syntaxErrors = {
  LVM1001: { title: "unexpected text", explanation: "" },
} as const;
