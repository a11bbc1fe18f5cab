export type { WasmArtifact } from "./artifact.js";
export { createWasmModule, type WasmModuleOptions } from "./create-module.js";
