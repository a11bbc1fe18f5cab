export const structureErrors = {
  LVM4001: { title: "missing guide site", explanation: "" },
} as const;
