export { createWebGpuModule, type WebGpuModule, type WebGpuModuleOptions, type WebGpuProgram } from "./create-web-gpu-module.js";
export { webGpuFailure, webGpuFailures, type WebGpuFailure } from "./failure.js";
export { nameOf, openWebGpu, type WebGpu, type WebGpuAdapter, type WebGpuLimit, type WebGpuOptions } from "./open-web-gpu.js";
