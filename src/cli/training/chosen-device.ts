import type { CompiledModel } from "../../driver/compile.js";
import type { StepWork } from "../../runtime/kernels/choose-device.js";
import type { CommandContext } from "../run.js";
import { decideDevice, type DeviceDecision } from "../devices/decide-device.js";
import { measurementText, workText } from "../devices/texts.js";
import type { OnDeviceOptions } from "./create-on-device.js";

export interface ChoiceSizes {
  /** Of the command line; the model file's if absent. */
  readonly batch: number | undefined;
  readonly rows: number;
  readonly verbose?: boolean;
}

/** How a model is opened where no device is named: what the rule chose, and with `--verbose` a line for each thing that was decided, compiled and started. */
export async function chosenDevice(context: CommandContext, compiled: CompiledModel, named: string | undefined, { batch, rows, verbose = false }: ChoiceSizes): Promise<Pick<OnDeviceOptions, "first" | "openGpu" | "onOpened">> {
  const { report } = context;
  const onOpened: OnDeviceOptions["onOpened"] = ({ device, kernels, compileMilliseconds, startMilliseconds, cached }) => {
    report.event("program", { device, kernels, compileMilliseconds, startMilliseconds, cached });
    report.say(report.color.dim(`${device}: ${kernels} ${kernels === 1 ? "kernel" : "kernels"}, compiled in ${compileMilliseconds.toFixed(0)} ms, started in ${startMilliseconds.toFixed(0)} ms${cached === undefined ? "" : cached ? " (from the cache)" : " (the C compiler)"}`));
  };
  const told = verbose ? { onOpened } : {};
  if (named !== undefined) {
    if (verbose) sayDecision(context, { device: undefined, reason: `${named} was asked for`, measured: {}, microseconds: {} });
    return told;
  }
  // Loaded only where there may be a GPU.
  const estimate = async (): Promise<StepWork> => (await import("../../driver/estimate-step.js")).estimateStep(compiled.lowered, { batch: Math.min(batch ?? compiled.program.training.batch, rows), dataset: rows });
  const decision = await decideDevice(estimate);
  if (verbose) sayDecision(context, decision);
  const { gpu } = decision;
  return { ...told, ...(gpu ? { first: "webgpu", openGpu: async () => gpu } : {}) };
}

function sayDecision({ report }: CommandContext, { device, reason, work, measured, microseconds, adapter }: DeviceDecision): void {
  report.event("choice", { device, reason, work, measured, microseconds, adapter });
  report.say(report.color.dim(`device: ${reason}`));
  if (work && Object.keys(measured).length > 0) report.say(report.color.dim(`  a step: ${workText(work)}`));
  for (const [name, measurement] of Object.entries(measured)) report.say(report.color.dim(`  ${name}: ${measurementText(measurement)}${measurement.cached ? " (measured by an earlier run)" : ""}`));
}
