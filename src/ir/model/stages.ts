import type { ModelProgram, Parameter } from "./model.js";

/** The name in the second stage's checkpoints of a parameter of the first. */
export function frozenName({ name }: Pick<ModelProgram, "name">, parameter: string): string {
  return `${name}.${parameter}`;
}

/** The model of a second stage as it stands in the file, whose rows are those of its own columns. */
export function withoutStage(program: ModelProgram): ModelProgram {
  const { stage, length: _, ...alone } = program;
  return stage ? { ...alone, columns: stage.columns } : program;
}

/** What a second stage holds of the first, none of it trained: the parameters of a model whose latent it learns, and the latent's measured standard deviation. */
export function frozenParameters({ stage }: Pick<ModelProgram, "stage">): readonly Parameter[] {
  if (stage?.kind !== "latent") return [];
  const parameters = stage.model.parameters.map((parameter): Parameter => ({ ...parameter, name: frozenName(stage.model, parameter.name), trainable: false }));
  if (stage.scale === undefined) return parameters;
  return [...parameters, { name: stage.scale, type: { support: { kind: "real" }, shape: [] }, perRow: false, trainable: false, init: { kind: "constant", value: 1 }, origin: stage.origin }];
}
