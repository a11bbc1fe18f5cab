import * as tf from "@tensorflow/tfjs-core";
import type { RowProgram } from "../train/definition.js";
import type { HostOutput, RowRunner } from "../train/row-runner.js";
import { rowsBatch } from "./batch.js";
import type { Program, TensorOutputs } from "./definition.js";
import { createDraws } from "./draws.js";
import { type ModelState, weightsOf } from "./state.js";

const defaultRows = 256;

/** Programs over rows on TensorFlow.js, a batch at a time. */
export function rowRunner(state: ModelState): RowRunner {
  const { definition } = state;
  const programs: Readonly<Record<RowProgram, Program<never, never, never> | undefined>> = {
    evaluate: definition.evaluateRows,
    importance: definition.importanceWeights,
    sample: definition.sampleRows,
    infer: definition.inferRows,
    reconstruct: definition.reconstructRows,
    // Planning is for kernels.
    belief: undefined,
    rollout: undefined,
    imagine: undefined,
  };
  return {
    definition,
    get dataset() {
      return state.dataset;
    },
    has: (program) => programs[program] !== undefined,
    async run({ program, step, data, wanted, batch: size = defaultRows, signal }, visit) {
      const compute = programs[program];
      if (!compute) return;
      const weights = weightsOf(state, true);
      for (let first = 0; first < data.rows; first += size) {
        signal?.throwIfAborted();
        const rows = Math.min(size, data.rows - first);
        const batch = rowsBatch(state, data, first, rows);
        const outputs = tf.tidy(() => {
          const made = compute({
            w: weights,
            data: batch.data,
            rowIndex: batch.rowIndex,
            rows,
            dataset: state.dataset ?? data.rows,
            random: createDraws({ seed: state.random.seed, step, use: program, firstRow: first }),
            scalars: { anneal: tf.scalar(1) } as never,
          });
          return Object.fromEntries(Object.entries(made).flatMap(([name, value]) => (wanted?.has(name) ?? true ? [[name, tf.clone(value)] as const] : [])));
        });
        batch.dispose();
        try {
          visit(await downloaded(outputs), rows, first);
        } finally {
          for (const tensor of Object.values(outputs)) tensor.dispose();
        }
        // Timers and signals come through between batches.
        await new Promise<void>((resolve) => setTimeout(resolve, 0));
      }
    },
  };
}

async function downloaded(outputs: TensorOutputs): Promise<Record<string, HostOutput>> {
  const entries: [string, HostOutput][] = [];
  for (const [name, tensor] of Object.entries(outputs)) {
    const values = await tensor.data();
    entries.push([name, { values: values instanceof Uint8Array ? Int32Array.from(values) : values, shape: tensor.shape }]);
  }
  return Object.fromEntries(entries);
}
