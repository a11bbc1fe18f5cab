import { readFileSync } from "node:fs";
import type { CompiledModel } from "../../driver/compile.js";
import { printable } from "../../diagnostics/render.js";
import { kernelDevices, type KernelDevice } from "../../runtime/devices.js";
import { chooseDevice, type DeviceChoice } from "../../runtime/kernels/choose-device.js";
import type { StepWork } from "../../runtime/kernels/choose-device.js";
import { checkNative, checkSystem, checkTfjs, checkWasm, type Check, failed } from "../devices/checks.js";
import { checkWebGpu, limitTexts, usefulFeatures, type SubgroupMatrixConfig, type WebGpuCheck } from "../devices/check-web-gpu.js";
import { measure, type Measured } from "../devices/measure.js";
import { amount, timeText, workText } from "../devices/texts.js";
import { exitCodes } from "../exit-codes.js";
import { accept, openModel, type ModelInput, type ModelOptions } from "../front.js";
import type { CommandContext, CommandResult } from "../run.js";
import { version } from "../version.js";

export interface DoctorOptions extends ModelOptions {
  readonly batch?: number;
}

/** `lvmc doctor [FILE]`: what this machine has, what its devices do, and which one a model would get. Nothing that is missing or broken stops it. */
export async function doctor(context: CommandContext, file: string | undefined, options: DoctorOptions): Promise<CommandResult> {
  const { report } = context;
  const { color } = report;
  // A model that does not compile is said before a second is spent.
  const subject = await subjectOf(context, file, options);
  report.say(color.bold(`lvmc ${version()}`));
  const say = (check: Check): void => {
    const { name, ok, text, help } = check;
    report.event("check", { name, ok, message: text, help, facts: check.facts });
    report.say(`${mark(context, ok)} ${name.padEnd(8)}${printable(text)}`);
    for (const line of help?.split("\n") ?? []) report.say(`          ${color.cyan("→")} ${printable(line)}`);
  };
  say(checkSystem());
  const native = await guarded("native", checkNative);
  say(native);
  const wasm = await guarded("wasm", checkWasm);
  say(wasm);
  const webgpu: WebGpuCheck = await guarded("webgpu", checkWebGpu);
  say(webgpu);
  if (webgpu.gpu) for (const [name, text] of adapterLines(webgpu)) report.say(`          ${color.dim(name.padEnd(10))}${printable(text)}`);
  say(await guarded("tfjs", async () => checkTfjs()));

  const measured: Partial<Record<KernelDevice, Measured>> = {};
  const rows: (readonly string[])[] = [];
  try {
    for (const device of kernelDevices) {
      const there = { native: native.ok === true, wasm: wasm.ok === true, webgpu: webgpu.gpu !== undefined }[device];
      if (!there) continue;
      try {
        const found = await measure(device, device === "webgpu" ? webgpu.gpu : undefined, { again: true });
        measured[device] = found;
        report.event("measurement", { device, gflops: found.gflops, gbytes: found.gbytes, dispatchMicroseconds: found.dispatchMicroseconds });
        rows.push([device, amount(found.gflops * 1e9, "FLOP/s"), amount(found.gbytes * 1e9, "B/s"), timeText(found.dispatchMicroseconds)]);
      } catch (error) {
        say(failed(device, error));
      }
    }
  } finally {
    webgpu.gpu?.dispose();
  }
  if (rows.length > 0) report.say(`\n${table(["measured", "matrix product", "memory", "a kernel"], rows)}`);

  const software = webgpu.gpu?.adapter.software === true;
  const usable = { ...measured, ...(software ? { webgpu: undefined } : {}) };
  const works = usable.native !== undefined || usable.wasm !== undefined || usable.webgpu !== undefined;
  const choice = works && subject ? chooseDevice(subject.work, usable) : undefined;
  if (subject && choice) {
    report.event("choice", { model: subject.name, work: subject.work, ...choice });
    report.say(`\n${choiceText(context, subject, choice)}`);
  }
  if (!works) report.say(`\n${color.red("no device works on this machine")}`);
  return { exit: works ? exitCodes.ok : exitCodes.device, facts: { device: choice?.device, reason: choice?.reason, model: subject?.name, measured } };
}

interface Subject {
  readonly name: string;
  readonly batch: number;
  readonly work: StepWork;
}

/** The model that the file holds, else the shipped VAE. A model that has mistakes ends the command; a missing VAE only leaves the choice out. */
async function subjectOf(context: CommandContext, file: string | undefined, options: DoctorOptions): Promise<Subject | undefined> {
  const { compile } = await import("../../driver/compile.js");
  const estimate = async ({ program, lowered }: CompiledModel): Promise<Subject> => {
    const { estimateStep } = await import("../../driver/estimate-step.js");
    const batch = options.batch ?? program.training.batch;
    return { name: program.name, batch, work: estimateStep(lowered, { batch, dataset: rowsWhereUnknown }) };
  };
  if (file !== undefined) {
    const input: ModelInput = openModel(context, file, options);
    return estimate(accept(context, compile(input.source, input.options)));
  }
  try {
    const path = new URL("../../../models/vae.lvm", import.meta.url);
    const { value } = compile({ path: "models/vae.lvm", text: readFileSync(path, "utf8") });
    return value && (await estimate(value));
  } catch {
    return undefined;
  }
}

/** Parameters of each row are as many as rows; the step reads only those of its minibatch. */
const rowsWhereUnknown = 8192;

async function guarded(name: string, check: () => Promise<Check>): Promise<Check> {
  try {
    return await check();
  } catch (error) {
    return failed(name, error);
  }
}

function mark({ report: { color } }: CommandContext, ok: boolean | undefined): string {
  return ok === undefined ? " " : ok ? color.green("✓") : color.yellow("–");
}

function adapterLines({ gpu, facts }: WebGpuCheck): readonly (readonly [string, string])[] {
  if (!gpu) return [];
  const { vendor, architecture, device, description, limits, features } = gpu.adapter;
  const subgroups = facts?.["subgroups"] as readonly number[] | undefined;
  const matrices = (facts?.["subgroupMatrices"] ?? []) as readonly SubgroupMatrixConfig[];
  return [
    ["adapter", [device, [vendor, architecture].filter((part) => part !== "").join(" ")].filter((part) => part !== "").join(", ")],
    ["driver", description === "" ? "not told" : description],
    ["limits", limitTexts(limits).join("; ")],
    ["features", usefulFeatures.map((name) => `${features.includes(name) ? "" : "no "}${name.replace("chromium-experimental-", "")}${name === "subgroups" && features.includes(name) && subgroups ? ` (${[...new Set(subgroups)].join(" to ")} lanes)` : ""}`).join(", ")],
    ...(matrices.length === 0 ? [] : [["matrices", matrices.map(({ componentType, resultComponentType, M, N, K }) => `${M}×${N}×${K} ${componentType}→${resultComponentType}`).join(", ")] as const]),
  ];
}

function choiceText({ report: { color } }: CommandContext, { name, batch, work }: Subject, { device, reason, microseconds }: DeviceChoice): string {
  const times = kernelDevices.flatMap((each) => (microseconds[each] === undefined ? [] : [[each, timeText(microseconds[each])] as const]));
  return [
    `a training step of ${color.bold(name)}, ${batch} rows: ${workText(work)}`,
    ...times.map(([each, time]) => `  ${each.padEnd(8)}${`about ${time}`}`),
    `${color.green("→")} ${color.bold(device)}: ${reason}`,
  ].join("\n");
}

/** Numbers to the right, names to the left. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)));
  return [head, ...rows].map((row) => row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join("  ")).join("\n");
}
