import type { ModelProgram, Plate, Site } from "../../ir/model/model.js";
import { type ChainVariable, lagsOf, readsAmong, variablesOf } from "./variables.js";

/** What a step of a model's chain must know of the steps before, and of the row: given these, the future does not depend on the past. */
export interface ModelStates {
  /** Chain variables with how far back they are read. */
  readonly chained: readonly { readonly variable: ChainVariable; readonly lags: number }[];
  /** Latents of a row outside of the chain. */
  readonly still: readonly Site[];
  readonly chain: Plate;
  /** Steps of the columns. */
  readonly steps: number;
}

/**
 * The states of a model from which its future can be imagined; undefined where it has no such form: one chain upwards whose first step is the second of the data,
 * (`z[1] ~ …`, `chain t in 2..T`), no lengths of rows, and some column that is only read at each step (the actions).
 */
export function modelStates(program: ModelProgram): ModelStates | undefined {
  const isRow = (name: string): boolean => program.model.some((step) => step.kind === "site" && step.name === name && step.scope === "row");
  const variables = variablesOf(program, "model", isRow);
  const byKey = new Map(variables.map((variable) => [variable.key, variable]));
  const lags = new Map<ChainVariable, number>();
  for (const { reads, loops } of variables) {
    for (const { variable, read } of readsAmong(reads, byKey)) {
      const inChain = variable.loops.length === 1 && loops[0]?.name === variable.loops[0]!.name;
      const lag = inChain ? (lagsOf(variable, read)[0] ?? 0) : 0;
      if (lag > 0) lags.set(variable, Math.max(lag, lags.get(variable) ?? 0));
    }
  }
  const chained = [...lags].map(([variable, back]) => ({ variable, lags: back }));
  const chain = chained[0]?.variable.loops[0];
  const steps = chain && chain.from + chain.size - 1;
  const actions = program.columns.some(({ role, type }) => role === "input" && type.shape[0]?.value === steps && type.shape.length > 0);
  if (!chain || steps === undefined || !actions || program.length || chain.chain !== "up" || chain.from < 2) return undefined;
  if (!chained.every(({ variable }) => variable.loops[0]!.name === chain.name && (variable.step.kind === "site" && variable.step.role === "observed" || variable.step.sequence !== undefined))) return undefined;
  if (variables.some(({ loops }) => loops.length > 1)) return undefined;
  const still = variables.flatMap(({ step }) => (step.kind === "site" && step.role === "latent" && step.plates.length === 0 ? [step] : []));
  return { chained, still, chain, steps };
}

export const stateName = (variable: Pick<ChainVariable, "name">): string => `state.${variable.name}`;
