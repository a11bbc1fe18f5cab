import { lineOf } from "../../diagnostics/span.js";
import type { LoweredModel } from "../../ir/lowered-model.js";
import { columnLength } from "../../ir/model/row-length.js";
import { sharedOutputs, termsOf } from "../typescript/model-tables.js";
import { sourceHash } from "../typescript/source-hash.js";

/** The tables of a model as plain data: what `ModelTables` of the run time wants. */
export function modelTables(lowered: LoweredModel, source: { readonly path: string; readonly text: string }) {
  const { program, training, programs } = lowered;
  const { optimizer, binarize, objective, batch, epochs, seed, clip, ema, earlyStopping } = program.training;
  return {
    name: program.name,
    source: source.path,
    hash: sourceHash(source.text),
    parameters: lowered.parameters.map(({ name, shape, init, trainable, frozen, line }) => ({ name, shape: shape.map((dim) => (dim === "rows" ? 0 : dim)), init, trainable, ...(frozen ? { frozen } : {}), line })),
    columns: lowered.columns.map(({ name, dtype, shape }) => {
      const column = program.columns.find((each) => each.name === name);
      return {
        name,
        dtype: dtype === "f32" ? ("f32" as const) : ("i32" as const),
        shape,
        support: column?.type.support ?? { kind: "real" as const },
        partlyObserved: column?.partlyObserved ?? false,
        role: column?.role ?? ("observed" as const),
        ...(column ? columnLength(program, column) : {}),
      };
    }),
    terms: termsOf(lowered),
    constraints: training.constraints.map(({ name, relation, bound, origin }) => ({ name, relation, bound, line: lineOf(origin) })),
    training: {
      optimizer, batch, epochs, seed,
      ...(clip === undefined ? {} : { clip }),
      ...(ema === undefined ? {} : { ema }),
      ...(earlyStopping === undefined ? {} : { patience: earlyStopping.patience }),
      anneal: { steps: objective.anneal.steps, cycles: objective.anneal.cycles },
      binarize,
    },
    sharedOutputs: sharedOutputs(lowered),
    importanceSamples: programs.importanceSamples,
    importanceRows: programs.importanceRows,
    ...(programs.evaluationRows === undefined ? {} : { evaluationRows: programs.evaluationRows }),
  };
}
