import { suggestName } from "./data/suggest.js";
import { LvmError } from "./error.js";

/** Devices of compiled kernels. */
export const kernelDevices = ["native", "wasm", "webgpu"] as const;
export type KernelDevice = (typeof kernelDevices)[number];

/** Devices of TensorFlow.js: `tfjs` is the first of the others that is installed and starts. */
export const tfjsDevices = ["tfjs", "tfjs-node-gpu", "tfjs-node", "tfjs-webgpu", "tfjs-wasm", "tfjs-cpu"] as const;

/** What computes: kernels that were compiled for the model, or the operations of a library. */
export type DeviceFamily = "kernels" | "tfjs";

/** Names that devices had, and that people may try. */
const otherNames: ReadonlyMap<string, string> = new Map([
  ["wasm-kernels", "wasm"], ["c", "native"], ["cc", "native"], ["tensorflow-gpu", "tfjs-node-gpu"], ["gpu", "webgpu"], ["cuda", "webgpu"], ["tensorflow", "tfjs-node"], ["cpu", "native, or tfjs-cpu of TensorFlow.js"],
]);

/**
 * Which family a device is of.
 * @throws LvmError LVM7150 (exit code 5) for a name that no device has: what there is, and what was probably meant
 */
export function deviceFamily(device: string): DeviceFamily {
  if (isKernelDevice(device)) return "kernels";
  if (tfjsDevices.some((name) => name === device)) return "tfjs";
  const all = [...kernelDevices, ...tfjsDevices];
  const near = otherNames.get(device.toLowerCase()) ?? suggestName(device, all);
  throw new LvmError("LVM7150", `there is no device ${device}; there are ${all.join(", ")}`, { exitCode: 5, facts: { device, available: all }, ...(near === undefined ? {} : { help: `did you mean ${near}?` }) });
}

export function isKernelDevice(device: string | undefined): device is KernelDevice {
  return kernelDevices.some((name) => name === device);
}

/**
 * Insists that a device, where one is named, is of the family that an emitted module was compiled for.
 * @throws LvmError LVM7150 (exit code 5)
 */
export function checkFamily(device: string | undefined, family: DeviceFamily): void {
  if (device === undefined || deviceFamily(device) === family) return;
  const [own, help] = family === "kernels" ? [kernelDevices, "compile it with --target tfjs"] : [tfjsDevices, "compile it with --target kernels"];
  throw new LvmError("LVM7150", `this module is not compiled for the device ${device}, but for ${own.join(", ")}`, { exitCode: 5, facts: { device, available: own }, help });
}
