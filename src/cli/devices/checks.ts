import { availableParallelism, cpus } from "node:os";
import { tfjsDevices } from "../../runtime/devices.js";
import { asRuntimeError } from "../errors.js";
import { packageVersion } from "./packages.js";

/** What one look at the machine found. */
export interface Check {
  readonly name: string;
  /** `false`: cannot be used; undefined: only information. */
  readonly ok?: boolean;
  readonly text: string;
  /** What to do about it. */
  readonly help?: string;
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** What a check that failed says: never a stack. */
export function failed(name: string, error: unknown, help?: string): Check {
  const known = asRuntimeError(error);
  const message = (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";
  return { name, ok: false, text: message.replace(/^no (?:native kernels|WebGPU device): /, ""), help: help ?? known?.help, facts: { ...known?.facts, code: known?.code } };
}

export function checkSystem(): Check {
  const cores = availableParallelism();
  const cpu = cpus()[0]?.model.trim().replace(/\s+/g, " ") ?? "";
  return { name: "system", text: `Node ${process.version.slice(1)} on ${process.platform} ${process.arch}, ${cores} ${cores === 1 ? "thread" : "threads"}${cpu === "" ? "" : ` of ${cpu}`}`, facts: { node: process.version, platform: process.platform, arch: process.arch, threads: cores, cpu } };
}

const installCompiler: Readonly<Partial<Record<NodeJS.Platform, string>>> = { linux: "apt-get install gcc libc6-dev", darwin: "xcode-select --install", win32: "the device native is for Linux and macOS" };

/** A C compiler and koffi. */
export async function checkNative(): Promise<Check> {
  const koffi = packageVersion("koffi");
  let compiler: Awaited<ReturnType<typeof import("../../runtime/node/native/compiler.js").findCompiler>>;
  try {
    compiler = await (await import("../../runtime/node/native/compiler.js")).findCompiler();
  } catch (error) {
    return failed("native", error, installCompiler[process.platform]);
  }
  const { command, macros, lanes } = compiler;
  const program = command.join(" ");
  const name = macros.includes("#define __clang__ ") ? "clang" : "gcc";
  const version = /^#define __VERSION__ "(?:.*?)(\d+\.\d+(?:\.\d+)?)/m.exec(macros)?.[1] ?? "";
  const instructions = lanes === 16 ? "AVX-512" : lanes === 8 ? "AVX2" : process.arch === "arm64" ? "NEON" : "SSE";
  const facts = { compiler: program, name, version, lanes, koffi };
  const text = `${program} (${name} ${version}), vectors of ${lanes} (${instructions})`;
  if (koffi === undefined) return { name: "native", ok: false, text: `${text}; the package koffi, which loads the kernels, is not installed`, help: "npm install koffi", facts };
  return { name: "native", ok: true, text: `${text}, koffi ${koffi}`, facts };
}

/** (func (result v128) (v128.const …)) */
// prettier-ignore
const simdProbe = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11]);

export async function checkWasm(): Promise<Check> {
  const { hasRelaxedSimd } = await import("../../runtime/wasm/index.js");
  const facts = { simd: WebAssembly.validate(simdProbe), relaxed: hasRelaxedSimd(), threads: typeof SharedArrayBuffer === "function" };
  const say = (has: boolean, what: string): string => (has ? what : `no ${what}`);
  return {
    name: "wasm",
    ok: facts.simd,
    text: [say(facts.simd, "SIMD"), say(facts.relaxed, "relaxed SIMD"), say(facts.threads, "threads")].join(", "),
    ...(facts.simd ? (facts.relaxed ? {} : { help: "Node 22 or newer has relaxed SIMD: products in two thirds of the time" }) : { help: "Node 20.19 or newer" }),
    facts,
  };
}

const tfjsPackages = ["@tensorflow/tfjs-node-gpu", "@tensorflow/tfjs-node", "@tensorflow/tfjs-backend-webgpu", "@tensorflow/tfjs-backend-wasm", "@tensorflow/tfjs-backend-cpu"] as const;

/** Backends of TensorFlow.js that are installed; starting one would load it whole. */
export function checkTfjs(): Check {
  const core = packageVersion("@tensorflow/tfjs-core");
  const found = tfjsPackages.filter((name) => packageVersion(name) !== undefined);
  const devices = tfjsDevices.filter((device) => found.some((name) => name.endsWith(device) || name.endsWith(device.replace("tfjs-", "tfjs-backend-"))));
  const help = "npm install @tensorflow/tfjs-core @tensorflow/tfjs-node (or @tensorflow/tfjs-node-gpu)";
  const facts = { core, packages: found, devices };
  if (core === undefined || found.length === 0) return { name: "tfjs", ok: false, text: core === undefined ? "TensorFlow.js is not installed (lvmc does not need it)" : "TensorFlow.js has no backend here", help, facts };
  return { name: "tfjs", ok: true, text: `TensorFlow.js ${core}: ${devices.join(", ")}`, facts };
}
