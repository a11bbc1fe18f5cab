import { digitRows, kernelCandidate, modelFile } from "../support/kernels.js";
import { withDataFile } from "../support/data-file.js";
import { type Candidate, lossSteps, takeTurns } from "../support/measure.js";
import { noPeers, openPeer, type Peer, python } from "../support/peers.js";
import { figures, rowsOf, type Section, speedBar } from "../support/result.js";

const rows = 8192;
const stepsPerRound = 25;

/** The training loop of models/conv_vae.lvm by kernels, and by PyTorch (the best layout counts) and JAX. */
export async function convVae(): Promise<Section> {
  const file = modelFile("conv_vae");
  const data = digitRows(rows);
  const columns = { x: { rows, values: data, shape: [28, 28, 1] } };
  return withDataFile(data, async (path) => {
    const candidates: Candidate[] = [];
    const peers: Peer[] = [];
    try {
      candidates.push(await kernelCandidate(file, columns, "native", stepsPerRound, { threads: 2 }), await kernelCandidate(file, columns, "wasm", 10, { threads: 2 }));
      for (const [name, framework] of python ? peerNames : []) {
        const peer = await openPeer(name, "conv_vae", [framework, path], framework === "jax" ? 10 : stepsPerRound);
        if (peer) peers.push(peer);
      }
      candidates.push(...peers);
      const table = rowsOf(await takeTurns(candidates), Object.fromEntries(candidates.map(({ name, loss }) => [name, `loss ${figures(loss)}`])));
      const torch = peerNames.map(([name]) => name).filter((name) => name.startsWith("PyTorch"));
      return {
        title: "Conv VAE",
        work: `${file.path} (two convolutions, two transposed), batch 64, Adam, ${rows} images binarized afresh at each visit; \`loss\`: −ELBO of steps ${lossSteps.before + 1} to ${lossSteps.before + lossSteps.over}.`,
        unit: "ms/step",
        rows: table,
        bars: [speedBar(table, "native, 2 threads", torch, 1, "PyTorch's best")],
        skipped: python ? peerNames.filter(([name]) => !peers.some((peer) => peer.name === name)).map(([name]) => name) : [noPeers],
        versions: peers.map(({ version }) => version),
      };
    } finally {
      for (const candidate of [...candidates, ...peers]) await candidate.dispose();
    }
  });
}

const peerNames = [
  ["PyTorch eager", "torch"], ["PyTorch eager, channels last", "torch-channels-last"],
  ["PyTorch compiled", "torch-compiled"], ["PyTorch compiled, channels last", "torch-compiled-channels-last"], ["JAX jit", "jax"],
] as const;
