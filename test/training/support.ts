import type { Columns, Model, TrainOptions, TrainResult, TrainStep } from "../../src/runtime/model.js";

/** Runs a training to its end and gives every step and the result. */
export async function trainAll(model: Model, data: Columns, options: TrainOptions): Promise<{ steps: TrainStep[]; result: TrainResult }> {
  const steps: TrainStep[] = [];
  const run = model.train(data, options);
  for (;;) {
    const next = await run.next();
    if (next.done) return { steps, result: next.value };
    steps.push(next.value);
  }
}

/** Rows of grey levels with structure: two patterns, mixed by row. */
export function patterns(rows: number, size: number): Columns {
  const values = Float32Array.from({ length: rows * size }, (_, at) => {
    const [row, cell] = [Math.floor(at / size), at % size];
    return (row % 2 === 0 ? cell % 3 === 0 : cell % 2 === 0) ? 1 : 0;
  });
  return { x: { rows, values, shape: [size] } };
}

export const tinyVae = `
network encoder(x: binary[12]) -> (mean: real[2], scale: positive[2]) {
  h = x |> dense(8) |> tanh
  mean = h |> dense(2)
  scale = h |> dense(2) |> softplus
}
network decoder(z: real[2]) -> (logits: real[12]) {
  logits = z |> dense(8) |> tanh |> dense(12)
}
model tiny(x: binary[12]) {
  z: real[2] ~ Normal(0, 1)
  x ~ Bernoulli(logits = decoder(z))
}
guide tiny {
  q = encoder(x)
  z ~ Normal(q.mean, q.scale)
}
train tiny {
  maximize elbo
  optimizer = adam(rate = 1e-2)
  batch = 16
  epochs = 4
}
`;
