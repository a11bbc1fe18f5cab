export type { Column, Columns, CreateOptions, DrawOptions, EvaluateOptions, Evaluation, LoadReport, Metrics, Model, ModelDescription, Outputs, RunPosition, SampleOptions, TrainOptions, TrainResult, TrainStep, Value } from "../model.js";
export type { KernelPlan, KernelPrograms, ProgramArtifact, Region, RowsArtifact, StateSlot, StepArtifact, StepSizes } from "./artifact.js";
export { fixedPrograms, type KernelCode, type KernelPlans } from "./fixed-programs.js";
export type { ModelTables } from "../train/definition.js";
export { createKernelModel, type KernelDefinition, type KernelOptions } from "./create-kernel-model.js";
export { createHost, fillConstants, type HostOptions, type KernelHost, type Opened } from "./host.js";
export { isProfiled, type KernelTime, type Profiled, type ProfileOptions, type StepProfile } from "./profile.js";
