export { analyze, compile, type CompiledModel, type CompileOptions } from "./compile.js";
export { emitModule, emitTfjsModule, moduleTargets, needsRows, type EmitOptions, type ModuleTarget } from "./emit-module.js";
export { derive, type DerivedModel } from "./derive.js";
export { explainObjective, type ExplainOptions, type ObjectiveFormat } from "./explain.js";
export { format } from "./format.js";
export { printStage, stages, type Stage } from "./stages.js";
export { transpile } from "./transpile.js";
export type { Checked, Diagnostic } from "../diagnostics/diagnostic.js";
export type { SourceFile } from "../diagnostics/span.js";
