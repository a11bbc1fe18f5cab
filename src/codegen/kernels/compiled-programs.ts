import type { ElementType, Launch } from "../../ir/kernel/nodes.js";

/** A program as the run time takes it (`ProgramArtifact`, `StepArtifact`, `RowsArtifact` of src/runtime/kernels): plain data. */
export interface CompiledArtifact {
  readonly words: number;
  readonly inputs: Readonly<Record<string, CompiledRegion>>;
  readonly outputs: Readonly<Record<string, CompiledRegion>>;
  readonly constants: readonly { readonly offset: number; readonly type: ElementType; readonly values: readonly number[] }[];
  readonly kernels: readonly { readonly name: string; readonly title: string; readonly lines: readonly number[]; readonly groups: number; readonly flops: number; readonly bytes: number; readonly threaded?: boolean }[];
  readonly launches?: readonly Launch[];
  readonly c?: string;
  readonly wasm?: { readonly module: Uint8Array; readonly relaxed?: Uint8Array };
  readonly wgsl?: readonly string[];
  readonly batch?: number;
  readonly slots?: number;
  readonly rows?: number;
  readonly dataset?: number;
  readonly state?: readonly { readonly name: string; readonly init: "zero" | { readonly copyOf: string } }[];
  readonly metrics?: readonly string[];
  readonly rowsAxis?: Readonly<Record<string, number>>;
}

export interface CompiledRegion {
  readonly offset: number;
  readonly words: number;
  readonly shape: readonly number[];
  readonly type: ElementType;
}

/** Devices that modules are compiled for, in the order in which they speak of them. */
export const moduleDevices = ["native", "wasm", "webgpu"] as const;
export type ModuleDevice = (typeof moduleDevices)[number];

/** All programs of a model, `step`, `refit` and those over rows, each for the same devices, of which there is one at least. */
export type CompiledModelPrograms = Readonly<Record<string, { readonly [D in ModuleDevice]?: CompiledArtifact } | undefined>>;
