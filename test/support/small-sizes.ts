/** Settings (`--set`) with which a model is small enough for tests that run all models: sequences of few steps. Everything else of it stays. */
export function smallSizes(text: string): Readonly<Record<string, string>> {
  return /^const T = \d+$/m.test(text) ? { T: "4" } : {};
}
