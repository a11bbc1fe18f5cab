export type { ActionSpace, Environment, ObservationColumn, Seen } from "./environment.js";
export { environments, type EnvironmentName } from "./registry.js";
