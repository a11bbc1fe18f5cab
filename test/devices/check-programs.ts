import { print } from "../../src/ir/tensor/print.js";
import { compare, referenceOf, type Reference } from "./compare.js";
import { deviceCase, type DeviceCase } from "./device-case.js";
import { runOnDevice, type Compile, type Result } from "./run-on-devices.js";
import { shrink } from "./shrink.js";
import type { Build } from "./ways.js";

export interface Device {
  readonly name: string;
  readonly compile: Compile;
  readonly build: (seed: number) => Build;
  /** Whether it may take numbers below the smallest normal one for 0. */
  readonly flushes?: boolean;
}

export interface Tally {
  programs: number;
  /** Outputs that agree with the reference, and those that float32 does not determine. */
  checked: number;
  skipped: number;
  /** Programs of which two devices had the same kernels and gave the same bits. */
  sameBits: number;
}

/** All NaNs are one: which bits a NaN has is the machine's choice. */
const bits = (word: number): number => ((word & 0x7fffffff) > 0x7f800000 ? 0x7fc00000 : word);

/**
 * Runs the programs of some seeds on every device and holds values and gradients to the float64 reference; where two devices have the same kernels they
 * must leave the same bits. Throws with the first program that fails, shrunk and printed.
 */
export async function checkPrograms(seeds: readonly number[], devices: readonly Device[]): Promise<Tally> {
  const tally: Tally = { programs: seeds.length, checked: 0, skipped: 0, sameBits: 0 };
  const cases = seeds.map(deviceCase);
  // The compiler of one device works while another's is being written.
  const running = devices.map((device) => runOnDevice(cases.map((given) => ({ given, build: device.build(given.seed) })), device.compile));
  const settled = await Promise.allSettled(running);
  const references = cases.map(referenceOf);
  for (const [at, device] of devices.entries()) {
    const made = settled[at]!;
    if (made.status === "rejected") await findThrowing(cases, device, made.reason);
    else for (const [i, result] of made.value.entries()) {
      const { wrong, checked, skipped } = judge(references[i]!, result, device);
      tally.checked += checked;
      tally.skipped += skipped;
      if (wrong.length > 0) await fail(cases[i]!, device, wrong);
    }
  }
  const [first, second] = settled.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  if (first && second) for (const [i, given] of cases.entries()) {
    const [a, b] = devices.map((device) => device.build(given.seed));
    if (!a?.twice || !b?.twice || a.way !== b.way || a.lanes !== b.lanes) continue;
    const [x, y] = [first[i]!.words, second[i]!.words];
    const at = x.findIndex((word, k) => k >= 4 && bits(word) !== bits(y[k]!));
    if (at >= 0) throw new Error(`program ${given.seed}: ${devices[0]!.name} and ${devices[1]!.name} have the same kernels, but word ${at} is ${x[at]!.toString(16)} and ${y[at]!.toString(16)}\n${print(given.program)}`);
    tally.sameBits++;
  }
  return tally;
}

function judge(reference: Reference, { outputs, faults }: Result, { flushes }: Device): { readonly wrong: readonly string[]; readonly checked: number; readonly skipped: number } {
  const { wrong, checked, skipped } = compare(reference, outputs, flushes);
  return { wrong: [...faults, ...wrong], checked, skipped };
}

/** What is wrong with a case on one device by itself: also what it throws. */
async function faultsOf(given: DeviceCase, device: Device): Promise<readonly string[]> {
  const { build, compile } = device;
  const reference = referenceOf(given);
  try {
    const [result] = await runOnDevice([{ given, build: build(given.seed) }], compile);
    return judge(reference, result!, device).wrong;
  } catch (cause) {
    return [`threw: ${cause instanceof Error ? cause.message : String(cause)}`];
  }
}

/** One of these programs makes the scheduler or a compiler throw; each is tried by itself. */
async function findThrowing(cases: readonly DeviceCase[], device: Device, reason: unknown): Promise<never> {
  for (const given of cases) {
    const faults = await faultsOf(given, device);
    if (faults.length > 0) await fail(given, device, faults);
  }
  throw new Error(`${device.name}: programs ${cases[0]!.seed} to ${cases.at(-1)!.seed} fail only together`, { cause: reason });
}

async function fail(found: DeviceCase, device: Device, faults: readonly string[]): Promise<never> {
  const kind = (lines: readonly string[]): string => (lines[0]?.startsWith("threw") ? "threw" : "wrong");
  const wanted = kind(faults);
  const small = await shrink(found, async (smaller) => {
    const now = await faultsOf(smaller, device);
    return now.length > 0 && kind(now) === wanted;
  });
  const left = await faultsOf(small, device);
  const { way, lanes } = device.build(found.seed);
  const numbers = Object.entries(small.inputs).map(([name, { values }]) => `  ${name} = ${values.slice(0, 24).join(", ")}${values.length > 24 ? ", …" : ""}`);
  const aliases = Object.entries(small.aliases).map(([output, input]) => `  ${output} takes the place of ${input}`);
  throw new Error([
    `program ${found.seed} on ${device.name} with ${lanes} lanes, ${way.name}; \`npm run fuzz -- --seed ${found.seed} --count 1\` runs it again`,
    ...faults.slice(0, 4), `shrunk from ${found.program.nodes.length} to ${small.program.nodes.length} nodes:`, ...(left.length > 0 ? left : ["(by itself it does not fail)"]).slice(0, 4), print(small.program), ...numbers, ...aliases,
  ].join("\n"));
}
