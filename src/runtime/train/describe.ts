import { LvmError } from "../error.js";
import type { ModelDescription } from "../model.js";
import type { ModelTables } from "./definition.js";

/** A model with parameters per row was given other rows than those it was trained on. */
export function otherRows(definition: ModelTables, trained: number | undefined, given: number): LvmError {
  const trainedRows = trained === undefined ? "it has not seen data yet" : `it was trained on ${trained} rows`;
  return new LvmError("LVM7104", `${definition.name} has parameters of its own for each row, and ${trainedRows}; the data given has ${given}`, {
    facts: { rows: given, ...(trained === undefined ? {} : { trained }) },
    help: "evaluate on the training rows, or let new rows be fitted with everything else frozen: --refit-steps N (`evaluate(data, { refitSteps })`)",
  });
}

/** The model has no program that answers this. */
export function lacks(definition: ModelTables, what: string): never {
  throw new LvmError("LVM7107", `${definition.name} cannot ${what}: it has no latent variables`, { facts: { model: definition.name } });
}

export function describe(definition: ModelTables): ModelDescription {
  const parameters = definition.parameters.map(({ name, shape, trainable, line }) => ({ name, shape, trainable, line }));
  const { epochs, batch, seed } = definition.training;
  return {
    name: definition.name,
    hash: definition.hash,
    source: definition.source,
    parameters,
    parameterCount: definition.parameters.filter(({ frozen }) => !frozen).reduce((total, { shape }) => total + shape.reduce<number>((product, dim) => (dim === "dataset" ? product : product * dim), 1), 0),
    columns: definition.columns.map(({ name, shape, role }) => ({ name, shape, role })),
    terms: definition.terms,
    training: { epochs, batch, seed },
  };
}
