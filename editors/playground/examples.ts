const files = import.meta.glob<string>("../../models/*.lvm", { query: "?raw", import: "default", eager: true });

/** The models that ship, by name; those that read another file are left out, for there is none here. */
export const examples: ReadonlyMap<string, string> = new Map(
  Object.entries(files)
    .filter(([, text]) => !/^import /m.test(text))
    .map(([path, text]) => [path.replace(/^.*\/|\.lvm$/g, ""), text]),
);
