import { cpus } from "node:os";
import type { KernelDevice } from "../../runtime/devices.js";
import type { DeviceMeasurement } from "../../runtime/kernels/choose-device.js";
import type { WebGpu } from "../../runtime/webgpu/index.js";
import { version } from "../version.js";
import { packageVersion } from "./packages.js";

export interface Measured extends DeviceMeasurement {
  /** Found in the cache: measured by an earlier run. */
  readonly cached: boolean;
}

/**
 * What a device does, from the cache or measured (about a second) and kept there. `gpu`: the open device of `webgpu`, which stays open.
 * @param again measures whatever the cache says
 * @throws LvmError LVM7160, LVM7161, LVM7162
 */
export async function measure(device: KernelDevice, gpu: WebGpu | undefined, { again = false }: { readonly again?: boolean } = {}): Promise<Measured> {
  const { readMeasurement, writeMeasurement } = await import("../../runtime/node/measurement-cache.js");
  const key = keyOf(device, gpu);
  const known = again ? undefined : await readMeasurement(key);
  if (known) return { ...known, cached: true };
  const [{ createHost }, { measureDevice }, { compileMeasureProgram }, { hostVectorWidth }, { hasRelaxedSimd }] = await Promise.all([
    import("../../runtime/kernels/host.js"), import("../../runtime/kernels/measure-device.js"), import("../../driver/measure-programs.js"), import("../../runtime/node/native/index.js"), import("../../runtime/wasm/index.js"),
  ]);
  const host = createHost({ device, ...(gpu ? { openGpu: async () => gpu } : {}) });
  const lanes = device === "native" ? await hostVectorWidth() : 0;
  const target = device === "native" ? { kind: "c" as const, lanes } : device === "webgpu" ? { kind: "wgsl" as const, workgroup: gpu?.workgroup } : { kind: "wasm" as const, relaxed: hasRelaxedSimd() };
  // A CPU that plays a GPU is a hundred times slower; it is measured for tests and out of curiosity.
  const sizes = gpu?.adapter.software === true ? { product: 256, copy: 2 ** 20 } : {};
  const found = await measureDevice(host, (_, which) => compileMeasureProgram(which, target, sizes));
  await writeMeasurement(key, found);
  return { ...found, cached: false };
}

/** All on which a measurement depends. */
function keyOf(device: KernelDevice, gpu: WebGpu | undefined): Readonly<Record<string, string>> {
  const common = { device, lvmc: version(), node: process.version };
  if (gpu) {
    const { vendor, architecture, device: name, description } = gpu.adapter;
    return { ...common, adapter: [vendor, architecture, name].join(" "), driver: description, dawn: packageVersion("webgpu") ?? "" };
  }
  return { ...common, cpu: `${cpus()[0]?.model ?? ""} × ${cpus().length}`, compiler: device === "native" ? (process.env["CC"]?.trim() || "cc") : "" };
}
