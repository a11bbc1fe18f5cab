import type { LvmError } from "../error.js";
import type { WebGpuProgram } from "./create-web-gpu-module.js";
import { firstLines, messageOf, webGpuError } from "./failure.js";
import { nameOf, type WebGpu } from "./open-web-gpu.js";

/**
 * A pipeline for each kernel, all at once and beside whatever else runs.
 * @throws LvmError LVM7161 with the kernel's title, its lines of the model file, and the compiler's first messages
 */
export async function buildPipelines(gpu: WebGpu, { kernels, wgsl }: WebGpuProgram, layout: GPUPipelineLayout): Promise<GPUComputePipeline[]> {
  const { device } = gpu;
  return Promise.all(
    kernels.map(async ({ name }, index) => {
      const code = wgsl[index] ?? "";
      device.pushErrorScope("validation");
      const module = device.createShaderModule({ label: name, code });
      const invalid = device.popErrorScope();
      const building = device.createComputePipelineAsync({ label: name, layout, compute: { module, entryPoint: "main" } });
      try {
        await invalid;
        // Each that is ready tells the watchdog that the driver works.
        return await gpu.guard(building);
      } catch (cause) {
        building.catch(() => undefined);
        throw gpu.failure ?? (await shaderError(gpu, kernels[index]!, module, code, cause));
      }
    }),
  );
}

async function shaderError(gpu: WebGpu, { name, title, lines: places = [] }: WebGpuProgram["kernels"][number], module: GPUShaderModule, code: string, cause: unknown): Promise<LvmError> {
  const lines = code.split("\n");
  const { messages } = await gpu.guard(module.getCompilationInfo());
  const said = messages
    .filter(({ type }) => type === "error")
    .map(({ lineNum, linePos, message }) => `${lineNum}:${linePos}: ${message}\n  ${lines[lineNum - 1]?.trim() ?? ""}`)
    .join("\n");
  const adapter = nameOf(gpu.adapter);
  const about = [...(title === undefined ? [] : [title]), ...(places.length === 0 ? [] : [`${places.length === 1 ? "line" : "lines"} ${places.join(", ")}`])].join(", ");
  return webGpuError("shader", `the kernel ${name}${about === "" ? "" : ` (${about})`} does not compile on ${adapter}:\n${firstLines(said === "" ? messageOf(cause) : said)}`, {
    facts: { kernel: name, adapter },
    help: "another device can take over; please report it with the output of `lvmc doctor`",
    cause,
  });
}
