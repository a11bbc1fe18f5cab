import { gradientsOf } from "../../autodiff/gradients-of.js";
import type { ModelProgram } from "../../ir/model/model.js";
import { frozenName } from "../../ir/model/stages.js";
import { TensorBuilder } from "../../ir/tensor/builder.js";
import { importProgram } from "../../ir/tensor/import-program.js";
import type { TensorNode, TensorProgram } from "../../ir/tensor/nodes.js";
import type { LoweringContext } from "../context.js";
import { ROWS } from "../value.js";
import type { CapturedStep } from "./captured-loop.js";

/** A model of labels that was trained on the diffusion's datum with noise (`train side on points.x`), and how strongly it draws samples to those that are asked for. */
export interface Classifier {
  readonly program: Pick<ModelProgram, "name">;
  /** Its evaluation alone: of columns `site`, `step`, and others, the log density of each row, `elbo` [rows]. */
  readonly evaluate: TensorProgram;
  readonly site: string;
  /** The column that is told the step. */
  readonly step?: string;
  readonly strength: number;
}

/**
 * ∇ log p(label | x_t, t) with respect to the state of each row, in the body of a loop (Dhariwal & Nichol 2021): the gradient of the classifier's own program, whose parameters and other columns are inputs
 * of the program around. `at` is the step's number less one. Rows do not read each other, so the gradient of their sum is each row's own.
 */
export function classifierGradient(context: LoweringContext, { program, evaluate, site, step }: Classifier, { b, capture }: Pick<CapturedStep, "b" | "capture">): (state: TensorNode, at: TensorNode) => TensorNode {
  const density = logDensityOf(evaluate);
  return (state, at) => {
    const rows = [state.shape[0]!];
    const made = importProgram(b, density, {
      replace: ({ op, shape, dtype }) => {
        if (op.kind !== "input") return undefined;
        if (op.role === "parameter") return capture({ node: context.b.input("parameter", frozenName(program, op.name), shape, dtype), axes: [] }).node;
        if (op.name === site) return state;
        if (op.name === step) return b.broadcast(b.add(b.cast(at, "f32"), 1), rows);
        return capture({ ...context.inputColumn(op.name), axes: [ROWS] }).node;
      },
      scope: ({ network, call }) => ({ network, call: call + firstCall }),
    });
    const [gradient] = gradientsOf(b, b.sum(made.get(density.outputs["log"]!)!), [state]);
    return gradient!;
  };
}

/** More calls of networks than a diffusion has. */
const firstCall = 1 << 21;

/** The density alone, without accuracies and single terms. */
function logDensityOf(evaluate: TensorProgram): TensorProgram {
  const b = new TensorBuilder();
  return b.program("log", { log: importProgram(b, evaluate).get(evaluate.outputs["elbo"]!)! });
}
