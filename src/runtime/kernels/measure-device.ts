import type { KernelModule } from "../kernel-engine.js";
import type { ProgramArtifact } from "./artifact.js";
import type { DeviceMeasurement } from "./choose-device.js";
import type { KernelHost } from "./host.js";

/** Programs by which a device is measured, compiled as any other: a product, a copy of more than caches hold, and many small kernels one after another. */
export interface MeasurePrograms<A extends ProgramArtifact = ProgramArtifact> {
  readonly product: A;
  readonly copy: A;
  readonly chain: A;
}

export interface MeasureOptions {
  /** For each of the three; default 80. */
  readonly milliseconds?: number;
  /** Milliseconds since any moment; tests replace it. */
  readonly now?: () => number;
}

/**
 * Measures what the device of a host does, in a quarter of a second and the time that starting three small programs takes. The best of several runs counts: whatever else
 * the machine does only makes them slower.
 * @throws LvmError LVM7160, LVM7161, LVM7162 where the device cannot be had or fails
 */
export async function measureDevice(host: KernelHost, programs: (device: KernelHost["device"], which: keyof MeasurePrograms) => Promise<ProgramArtifact>, options: MeasureOptions = {}): Promise<DeviceMeasurement> {
  const seconds = async (which: keyof MeasurePrograms): Promise<{ readonly seconds: number; readonly artifact: ProgramArtifact }> => {
    const { artifact, module } = await host.open((device) => programs(device, which));
    try {
      fillInputs(artifact, module);
      return { seconds: await secondsPerRun(module, options), artifact };
    } finally {
      module.dispose();
    }
  };
  const [product, copy, chain] = [await seconds("product"), await seconds("copy"), await seconds("chain")];
  const sum = (artifact: ProgramArtifact, of: "flops" | "bytes"): number => artifact.kernels.reduce((total, kernel) => total + kernel[of], 0);
  // The small kernels' own work is less than what they are measured for.
  return { gflops: sum(product.artifact, "flops") / product.seconds / 1e9, gbytes: sum(copy.artifact, "bytes") / copy.seconds / 1e9, dispatchMicroseconds: (chain.seconds * 1e6) / Math.max(1, chain.artifact.kernels.length) };
}

/** Numbers of about 1, of both signs: zeros would be gifts to some machines. */
export function fillInputs({ inputs }: ProgramArtifact, { arena, send }: Pick<KernelModule, "arena" | "send">): void {
  for (const { offset, words } of Object.values(inputs)) {
    for (let at = 0; at < words; at++) arena.f32[offset + at] = ((Math.imul(at + 1, 0x9e3779b1) >>> 8) / 2 ** 24 - 0.5) / 8;
    send(offset, words);
  }
}

/** Seconds of one run: as many at a time as take a quarter of the time there is, and the best of them. */
export async function secondsPerRun(module: Pick<KernelModule, "run" | "finished">, { milliseconds = 80, now = () => performance.now() }: MeasureOptions = {}): Promise<number> {
  const take = async (runs: number): Promise<number> => {
    const from = now();
    module.run(runs);
    await module.finished();
    return now() - from;
  };
  // The first run starts threads, and whatever the driver leaves for later.
  await take(1);
  let runs = 1;
  let took = await take(1);
  while (took < milliseconds / 8 && runs < 2 ** 16) {
    runs *= 2;
    took = await take(runs);
  }
  let best = took / runs;
  for (let spent = took; spent < milliseconds; spent += took) {
    took = await take(runs);
    best = Math.min(best, took / runs);
  }
  return best / 1000;
}
