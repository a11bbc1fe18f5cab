import { describe, expect, it } from "vitest";
import { brief, elaborateText } from "./expressions-support.js";

/** The array that a constant expression makes. */
function arrayOf(expression: string): readonly number[] {
  const { context, messages } = elaborateText(`const alpha = ${expression}\n`);
  expect(brief(messages)).toEqual([]);
  const value = context.constants.get("alpha")?.value;
  if (value?.kind !== "array") throw new Error(`${expression} is no array`);
  expect(value.shape).toEqual([value.values.length]);
  return value.values;
}
/** ᾱ_t = α₁ ⋯ α_t. */
const cumulative = (alpha: readonly number[]): readonly number[] => alpha.reduce<number[]>((done, each) => [...done, (done.at(-1) ?? 1) * each], []);
const close = (actual: readonly number[], expected: readonly number[], within = 1e-12): void => {
  expect(actual.length).toBe(expected.length);
  for (const [at, value] of actual.entries()) expect(Math.abs(value - expected[at]!), `at ${at + 1}`).toBeLessThan(within * (1 + Math.abs(expected[at]!)));
};

describe("noise schedules", () => {
  it("rises evenly: the thousand steps of Ho et al. 2020", () => {
    const alpha = arrayOf("linear_schedule(1000)");
    // python -c "import torch; print((1 - torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)).cumprod(0)[-1].item())"
    close([alpha[0]!, alpha[499]!, alpha[999]!], [0.9999, 1 - (1e-4 + (0.0199 * 499) / 999), 0.98]);
    expect(Math.abs(cumulative(alpha)[999]! / 4.0358297653756754e-5 - 1)).toBeLessThan(1e-12);
    close(arrayOf("linear_schedule(3, from = 0.1, to = 0.3)"), [0.9, 0.8, 0.7]);
    close(arrayOf("linear_schedule(1, 0.1, 0.3)"), [0.9]);
  });

  it("follows the cosine, with β of at most 0.999 (Nichol & Dhariwal 2021, equation 17)", () => {
    const alpha = arrayOf("cosine_schedule(100)");
    const f = (t: number): number => Math.cos(((t / 100 + 0.008) / 1.008) * (Math.PI / 2)) ** 2;
    const bars = cumulative(alpha);
    close(bars.slice(0, 99), Array.from({ length: 99 }, (_, i) => f(i + 1) / f(0)));
    expect(alpha[99]).toBeCloseTo(0.001, 15);
  });

  it("follows the sigmoid (Jabri et al. 2022, algorithm 1)", () => {
    const gamma = (t: number, start: number, end: number, tau: number): number => {
      const s = (x: number): number => 1 / (1 + Math.exp(-x));
      return (s(end / tau) - s((t * (end - start) + start) / tau)) / (s(end / tau) - s(start / tau));
    };
    close(cumulative(arrayOf("sigmoid_schedule(50)")).slice(0, 49), Array.from({ length: 49 }, (_, i) => gamma((i + 1) / 50, -3, 3, 1)));
    close(cumulative(arrayOf("sigmoid_schedule(50, start = 0, end = 3, tau = 0.7)")).slice(0, 49), Array.from({ length: 49 }, (_, i) => gamma((i + 1) / 50, 0, 3, 0.7)));
  });

  it("ends without any signal after the rescaling (Lin et al. 2024, algorithm 1), and keeps the first step", () => {
    const before = arrayOf("linear_schedule(40, to = 0.1)");
    const after = arrayOf("zero_terminal_snr(linear_schedule(40, to = 0.1))");
    expect(after.at(-1)).toBe(0);
    expect(after[0]).toBeCloseTo(before[0]!, 14);
    const roots = cumulative(before).map(Math.sqrt);
    const expected = roots.map((root) => (((root - roots[39]!) * roots[0]!) / (roots[0]! - roots[39]!)) ** 2);
    close(cumulative(after), expected);
  });

  it("makes arrays that other constants use", () => {
    close(arrayOf("1 - [linear_schedule(3, from = 0.1, to = 0.3)[2], 0.5]"), [0.2, 0.5]);
  });

  it.each([
    ["linear_schedule(0)", "LVM3016 1 0: this is 0"],
    ["linear_schedule(2.5)", "LVM3016 1 2.5: this is 2.5"],
    ["linear_schedule([1, 2])", "LVM3016 1 [1, 2]: this is an array of 2"],
    ["linear_schedule(10, to = 1.2)", "LVM3016 1 1.2: this is 1.2"],
    ["linear_schedule(10, from = 0.3)", "LVM3016 1 0.3: 0.3 is above 0.02"],
    ["cosine_schedule(10, s = -1)", "LVM3016 1 -1: this is -1"],
    ["cosine_schedule()", "LVM3007 1 cosine_schedule(): an argument is missing"],
    ["cosine_schedule(10, 0.1, 3)", "LVM3007 1 3: one too many"],
    ["cosine_schedule(10, T = 3)", "LVM3007 1 T = 3: one too many"],
    ["cosine_schedule(10, q = 1)", "LVM2011 1 q: not one of its parameters"],
    ["sigmoid_schedule(5, start = 3)", "LVM3016 1 3: 3 is not below 3"],
    ["sigmoid_schedule(5, tau = 0)", "LVM3016 1 0: this is 0"],
    ["sigmoid_schedule(5, start = 1000, end = 2000)", "LVM3016 1 sigmoid_schedule(5, start = 1000, end = 2000): its ends are equal"],
    ["zero_terminal_snr([1, 1])", "LVM3016 1 [1, 1]: nothing to rescale"],
    ["zero_terminal_snr([0.5, 0])", "LVM3016 1 [0.5, 0]: one of them is 0"],
    ["zero_terminal_snr(0.5)", "LVM3016 1 0.5: a single number"],
    ["zero_terminal_snr([0.5])", "LVM3016 1 [0.5]: this has the shape [1]"],
  ])("refuses %s", (expression, message) => {
    expect(brief(elaborateText(`const alpha = ${expression}\n`).messages)).toEqual([message]);
  });

  it("says where a schedule belongs", () => {
    expect(brief(elaborateText("model m(x: real) {\n  a = cosine_schedule(10)\n}\n").messages)).toEqual(["LVM2004 2 cosine_schedule: called where values are computed"]);
  });
});
