import type { Launch } from "../kernel-engine.js";

/** A compiled program as the compiler emits it (`emitWasm` of src/codegen/wasm): plain data, so that it can stand in generated code. */
export interface WasmArtifact {
  /** Length of the arena in 32-bit words. */
  readonly words: number;
  /** In order. `threaded`: worth sharing among threads; where it is missing, kernels of more than one group are. */
  readonly kernels: readonly { readonly name: string; readonly groups: number; readonly threaded?: boolean }[];
  /** In what order they run; absent: each once, one after the other. */
  readonly launches?: readonly Launch[];
  /** The module: its bytes, or the same as base64. */
  readonly module: Uint8Array | string;
  /** The same with relaxed multiply-add, for hosts that have it. */
  readonly relaxed?: Uint8Array | string;
}
