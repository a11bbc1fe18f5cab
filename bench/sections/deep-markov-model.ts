import { makeBuiltinData } from "../../src/runtime/builtin-data/index.js";
import { kernelCandidate, modelFile } from "../support/kernels.js";
import { withDataFile } from "../support/data-file.js";
import { type Candidate, takeTurns } from "../support/measure.js";
import { noPeers, openPeer, type Peer, python } from "../support/peers.js";
import { figures, rowsOf, type Section, speedBar } from "../support/result.js";

const rows = 200;
const steps = 160;
const stepsPerRound = 3;
const before = 6;

/** A recurrent model: bench/models/deep_markov_model.lvm by kernels, by JAX (`lax.scan`) and by PyTorch (its own GRU, and a loop in Python). */
export async function deepMarkovModel(): Promise<Section> {
  const file = modelFile("deep_markov_model", "bench/models");
  const [pieces] = makeBuiltinData("polyphonic", [rows, steps], 0);
  const values = Int32Array.from(pieces!.values);
  return withDataFile(Uint8Array.from(values), async (path) => {
    const candidates: Candidate[] = [];
    const peers: Peer[] = [];
    try {
      const columns = { x: { rows, values, shape: [steps, 88] } };
      for (const threads of [2, 1]) candidates.push(await kernelCandidate(file, columns, "native", stepsPerRound, { threads, before, look: 3 }));
      for (const [name, framework] of python ? peerNames : []) {
        const peer = await openPeer(name, "deep_markov_model", [framework, path], stepsPerRound, { before });
        if (peer) peers.push(peer);
      }
      candidates.push(...peers);
      const table = rowsOf(await takeTurns(candidates), Object.fromEntries(candidates.map(({ name, loss }) => [name, `loss ${figures(loss)}`])));
      return {
        title: "Deep Markov model",
        work: `${file.path}: ${steps} steps of 88 keys, states of 100, a backward GRU of 600, batch 20, Adam; \`loss\`: −ELBO after ${before} steps.`,
        unit: "ms/step",
        rows: table,
        bars: [speedBar(table, "native, 2 threads", ["JAX jit, lax.scan"], 1, "JAX")],
        skipped: python ? peerNames.filter(([name]) => !peers.some((peer) => peer.name === name)).map(([name]) => name) : [noPeers],
        versions: peers.map(({ version }) => version),
      };
    } finally {
      for (const candidate of [...candidates, ...peers]) await candidate.dispose();
    }
  });
}

const peerNames = [["JAX jit, lax.scan", "jax"], ["PyTorch eager", "torch"]] as const;
