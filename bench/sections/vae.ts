import { selectBackend } from "../../src/runtime/tfjs/backend.js";
import { compiledModel } from "../../test/codegen/support/load-emitted.js";
import { jaxJsVae } from "../support/jax-js-vae.js";
import { digitRows, kernelCandidate, modelCandidate, modelFile } from "../support/kernels.js";
import { type Candidate, lossSteps, takeTurns } from "../support/measure.js";
import { noPeers, openPeer, type Peer, python } from "../support/peers.js";
import { figures, limitBar, rowsOf, type Section, speedBar } from "../support/result.js";
import { tfjsVae, withOwnGradients } from "../support/tfjs-vae.js";
import { withDataFile } from "../support/data-file.js";

const rows = 8192;
/** Losses of candidates that learn the same: other draws and other first weights make them differ by a few nats of about 200. */
const lossSpread = 0.1;

/** The training loop of models/vae.lvm by kernels, by TensorFlow.js and jax-js, and by JAX and PyTorch. */
export async function vae(): Promise<Section> {
  const file = modelFile("vae");
  const data = digitRows(rows);
  const columns = { x: { rows, values: data, shape: [784] } };
  return withDataFile(data, async (path) => {
    const candidates: Candidate[] = [];
    const peers: Peer[] = [];
    try {
      for (const device of ["native", "wasm"] as const) for (const threads of [2, 1]) candidates.push(await kernelCandidate(file, columns, device, device === "native" ? 120 : 40, { threads }));
      for (const [name, framework] of python ? peerNames : []) {
        const peer = await openPeer(name, "vae", [framework, path], 100);
        if (peer) peers.push(peer);
      }
      candidates.push(...peers, await jaxJs(data), await tfjsByHand(data));
      candidates.push(await modelCandidate("TensorFlow.js wasm, emitted by lvmc", await compiledModel(file.text)({ device: "tfjs-wasm", seed: 1 }), columns, 10));
      const table = rowsOf(await takeTurns(candidates), Object.fromEntries(candidates.map(({ name, loss }) => [name, `loss ${figures(loss)}`])));
      const torch = peerNames.map(([name]) => name).filter((name) => name.startsWith("PyTorch"));
      const losses = candidates.map(({ loss }) => loss);
      const spread = Math.max(...losses) / Math.min(...losses) - 1;
      return {
        title: "VAE",
        work: `${file.path} (784-400-20), batch 128, Adam, ${rows} images binarized afresh at each visit: the whole training loop, gathering and drawing included. \`loss\`: −ELBO of steps ${lossSteps.before + 1} to ${lossSteps.before + lossSteps.over}, by which all are seen to learn the same.`,
        unit: "ms/step",
        rows: table,
        bars: [
          speedBar(table, "native, 2 threads", ["JAX jit"], 1.2, "JAX jit"),
          speedBar(table, "native, 2 threads", torch, 2, "PyTorch's best"),
          speedBar(table, "wasm, 2 threads", ["jax-js wasm jit, 1 thread"], 3, "jax-js"),
          speedBar(table, "wasm, 2 threads", ["TensorFlow.js wasm, by hand"], 10, "TensorFlow.js wasm"),
          speedBar(table, "native, 2 threads", ["native, 1 thread"], 1.7, "one thread"),
          speedBar(table, "wasm, 2 threads", ["wasm, 1 thread"], 1.7, "one thread"),
          limitBar("largest loss over smallest, −1", spread, lossSpread, ""),
        ],
        skipped: python ? peerNames.filter(([name]) => !peers.some((peer) => peer.name === name)).map(([name]) => name) : [noPeers],
        versions: peers.map(({ version }) => version),
      };
    } finally {
      for (const candidate of [...candidates, ...peers]) await candidate.dispose();
    }
  });
}

const peerNames = [["JAX jit", "jax"], ["PyTorch eager", "torch"], ["PyTorch fused Adam", "torch-fused"], ["PyTorch compiled", "torch-compiled"]] as const;

/** jax-js has threads in browsers only: in Node it sees no `Worker`. */
async function jaxJs(data: Uint8Array): Promise<Candidate> {
  return byHand("jax-js wasm jit, 1 thread", await jaxJsVae(data), 20);
}

async function tfjsByHand(data: Uint8Array): Promise<Candidate> {
  await selectBackend("tfjs-wasm");
  const hand = tfjsVae(data);
  return withOwnGradients(async () => {
    const candidate = await byHand("TensorFlow.js wasm, by hand", {
      ...hand,
      step: async () => {
        const value = hand.step();
        const loss = value.dataSync()[0] ?? NaN;
        value.dispose();
        return loss;
      },
      run: async (steps) => {
        for (let i = 0; i < steps; i++) hand.step().dispose();
      },
    }, 4);
    return { ...candidate, round: () => withOwnGradients(candidate.round) };
  });
}

async function byHand(name: string, { step, run, dispose }: { readonly step: () => Promise<number>; readonly run: (steps: number) => Promise<void>; readonly dispose: () => void }, steps: number): Promise<Candidate> {
  await run(lossSteps.before);
  let sum = 0;
  for (let i = 0; i < lossSteps.over; i++) sum += await step();
  return {
    name,
    loss: sum / lossSteps.over,
    round: async () => {
      const start = performance.now();
      await run(steps);
      return (performance.now() - start) / steps;
    },
    dispose,
  };
}
