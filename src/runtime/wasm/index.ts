export type { WasmArtifact } from "./artifact.js";
export { hasRelaxedSimd } from "./host.js";
export { createWasmModule, type WasmModuleOptions } from "./create-module.js";
