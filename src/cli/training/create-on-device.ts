import type { CompiledModel } from "../../driver/compile.js";
import { deviceFamily } from "../../runtime/devices.js";
import type { HostOptions } from "../../runtime/kernels/index.js";
import type { Model } from "../../runtime/model.js";
import type { CommandContext } from "../run.js";

/** `first`, `openGpu`: the device that a rule chose, where none was named. */
export interface OnDeviceOptions extends Pick<HostOptions, "device" | "first" | "openGpu" | "onOpened"> {
  readonly seed: number;
}

/**
 * A fresh model on the device asked for: kernels that are compiled in this process, or the emitted TypeScript on TensorFlow.js. Without one, the kernels
 * that this machine can have.
 * @throws LvmError LVM7150, LVM7160 where the device cannot be had
 */
export async function createOnDevice({ report }: CommandContext, compiled: CompiledModel, options: OnDeviceOptions): Promise<Model> {
  if (deviceFamily(options.device ?? "native") === "tfjs") {
    const [{ loadEmitted }, { emitTfjsModule }] = await Promise.all([import("./emitted-module.js"), import("../../driver/emit-module.js")]);
    return (await loadEmitted(emitTfjsModule(compiled))).create(options);
  }
  const [{ kernelDefinition }, { createKernelModel }, { hostVectorWidth }, { hasRelaxedSimd }, { openProgramStore }] = await Promise.all([
    import("../../driver/kernel-programs.js"), import("../../runtime/kernels/index.js"), import("../../runtime/node/native/index.js"), import("../../runtime/wasm/index.js"),
    import("../../runtime/node/program-store.js"),
  ]);
  const store = await openProgramStore();
  const onNote = (message: string): void => {
    report.event("note", { message });
    report.say(report.color.yellow(message));
  };
  return createKernelModel(kernelDefinition(compiled.lowered, compiled.module.source, () => hostVectorWidth(), hasRelaxedSimd(), store), { ...options, onNote });
}

/**
 * Says that a device will be asked for: its C compiler is looked for while data is read. What fails here fails again, and is told, when the device is
 * opened.
 */
export function expectDevice(device: string | undefined): void {
  if (device !== undefined && device !== "native") return;
  void import("../../runtime/node/native/index.js").then(({ checkNative }) => checkNative()).catch(() => undefined);
}
