import * as tf from "@tensorflow/tfjs-core";
import { checkFamily, type tfjsDevices } from "../devices.js";
import { LvmError } from "../error.js";
import { registerGradients } from "./gradients.js";

/** A device as users name it, the package that drives it, and TensorFlow.js's name for the backend. */
interface Device {
  readonly name: (typeof tfjsDevices)[number];
  readonly packageName: string;
  readonly backend: string;
}

/** In the order in which `tfjs` tries them. */
const devices: readonly Device[] = [
  { name: "tfjs-node-gpu", packageName: "@tensorflow/tfjs-node-gpu", backend: "tensorflow" },
  { name: "tfjs-node", packageName: "@tensorflow/tfjs-node", backend: "tensorflow" },
  { name: "tfjs-webgpu", packageName: "@tensorflow/tfjs-backend-webgpu", backend: "webgpu" },
  { name: "tfjs-wasm", packageName: "@tensorflow/tfjs-backend-wasm", backend: "wasm" },
  { name: "tfjs-cpu", packageName: "@tensorflow/tfjs-backend-cpu", backend: "cpu" },
];

/**
 * Makes the device named, or (for `tfjs` as without a name) the first that is installed and works, TensorFlow.js's backend.
 * @param wasmPaths where a browser finds the .wasm files; Node finds them beside the package
 * @throws LvmError LVM7150 (exit code 5) with what was tried
 */
export async function selectBackend(device = "tfjs", wasmPaths?: string): Promise<string> {
  checkFamily(device, "tfjs");
  const wanted = device === "tfjs" ? devices : devices.filter(({ name }) => name === device);
  const tried: string[] = [];
  for (const candidate of wanted) {
    const reason = await start(candidate, wasmPaths);
    if (reason === undefined) {
      registerGradients();
      return candidate.name;
    }
    tried.push(`${candidate.name} (${reason})`);
  }
  throw new LvmError("LVM7150", device === "tfjs" ? `no device of TensorFlow.js can be used: ${tried.join("; ")}` : `device ${tried.join("")} cannot be used`, {
    exitCode: 5,
    facts: { tried },
    help: `npm install ${device === "tfjs" ? "@tensorflow/tfjs-backend-wasm" : (wanted[0]?.packageName ?? "")}, or take a device that needs none: native, wasm`,
  });
}

/** Makes an already started device the current one: models on different devices may take turns. */
export async function resumeBackend(device: string): Promise<void> {
  const backend = devices.find(({ name }) => name === device)?.backend;
  if (backend !== undefined && tf.getBackend() !== backend) await tf.setBackend(backend);
}

/** Undefined when the device runs, else why it does not. */
async function start(device: Device, wasmPaths: string | undefined): Promise<string | undefined> {
  try {
    if (device.name === "tfjs-wasm") {
      const wasm = await import("@tensorflow/tfjs-backend-wasm");
      if (wasmPaths !== undefined) wasm.setWasmPaths(wasmPaths);
    } else if (device.name === "tfjs-cpu") {
      await import("@tensorflow/tfjs-backend-cpu");
      // Else it advertises other backends on the console at its first use.
      tf.enableProdMode();
    } else {
      // Optional packages: the name is kept from bundlers and type checkers.
      await import(/* @vite-ignore */ /* webpackIgnore: true */ device.packageName);
    }
  } catch (error) {
    return isMissing(error) ? "not installed" : messageOf(error);
  }
  try {
    if (!(await tf.setBackend(device.backend))) return "does not start on this machine";
    await tf.ready();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** As Node says it, and as what Vite puts in the place of an optional peer does. */
function isMissing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ("code" in error && (error.code === "ERR_MODULE_NOT_FOUND" || error.code === "MODULE_NOT_FOUND")) || error.message.startsWith("Could not resolve ");
}

function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n")[0] ?? text;
}
