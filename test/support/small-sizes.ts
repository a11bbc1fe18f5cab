/** Constants by which models are large, and what tests that run all models make of them. */
const small: Readonly<Record<string, string>> = { T: "4", SIDE: "8", BASE: "8", GROUPS: "4", WIDTH: "8", DEPTH: "1" };

/** Settings (`--set`) with which a model is small enough for tests that run all models: few steps, small images. Everything else of it stays. */
export function smallSizes(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(small).filter(([name]) => new RegExp(`^const ${name} = \\d+$`, "m").test(text)));
}
