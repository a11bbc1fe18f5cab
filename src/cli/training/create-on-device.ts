import type { CompiledModel } from "../../driver/compile.js";
import type { Model } from "../../runtime/model.js";
import { loadEmitted } from "./emitted-module.js";

/** Devices that run kernels compiled in this process, by the command line's names. */
export const kernelDevices: Readonly<Record<string, "native" | "wasm">> = { native: "native", "wasm-kernels": "wasm" };

export interface CreatedModel {
  readonly model: Model;
  /** The device by the name that the command line knows it by. */
  readonly device: string;
}

/** A fresh model on the device asked for: compiled kernels, or the emitted TypeScript on TensorFlow.js. */
export async function createOnDevice(compiled: CompiledModel, options: { readonly seed: number; readonly device?: string }): Promise<CreatedModel> {
  const device = kernelDevices[options.device ?? ""];
  if (device === undefined) {
    const model = await (await loadEmitted(compiled.typescript)).create(options);
    return { model, device: model.device };
  }
  const [{ kernelDefinition }, { createKernelModel }, { hostVectorWidth }] = await Promise.all([import("../../driver/kernel-programs.js"), import("../../runtime/kernels/index.js"), import("../../runtime/node/native/index.js")]);
  const definition = kernelDefinition(compiled.lowered, compiled.module.source, () => hostVectorWidth());
  return { model: await createKernelModel(definition, { seed: options.seed, device }), device: options.device ?? device };
}
