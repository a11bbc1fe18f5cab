import { seededRandom } from "../../src/ir/tensor/evaluate.js";
import { digitRows, kernelCandidate, modelFile } from "../support/kernels.js";
import { withDataFile } from "../support/data-file.js";
import { type Candidate, takeTurns } from "../support/measure.js";
import { noPeers, openPeer, type Peer, python } from "../support/peers.js";
import { figures, rowsOf, type Section, speedBar } from "../support/result.js";

const rows = 512;
const stepsPerRound = 4;
const before = 20;
const pixels = 784;

/** Digits in noise, the steps at which they stand, and the noise: x = √ᾱ image + √(1 − ᾱ) noise with the cosine schedule of 1000 steps. */
function noisyDigits(): { readonly x: Float32Array; readonly t: Float32Array; readonly noise: Float32Array } {
  const images = digitRows(rows);
  const random = seededRandom(1);
  const noise = Float32Array.from(random.normal("noise", rows * pixels));
  const t = Float32Array.from(random.uniform("t", rows), (u) => 1 + Math.floor(1000 * u));
  const kept = Array.from(t, (step) => Math.cos(((step / 1000 + 0.008) / 1.008) * (Math.PI / 2)) ** 2);
  const x = noise.map((each, at) => {
    const share = kept[Math.floor(at / pixels)]!;
    return Math.sqrt(share) * (images[at]! / 127.5 - 1) + Math.sqrt(1 - share) * each;
  });
  return { x, t, noise };
}

/** The U-Net of bench/models/unet.lvm as a regression of the noise, by kernels and by PyTorch (the best layout counts). */
export async function unet(): Promise<Section> {
  const file = modelFile("unet", "bench/models");
  const { x, t, noise } = noisyDigits();
  const columns = { x: { rows, values: x, shape: [28, 28, 1] }, t: { rows, values: t, shape: [] }, noise: { rows, values: noise, shape: [28, 28, 1] } };
  const bytes = new Uint8Array(Float32Array.from([...x, ...noise, ...t]).buffer);
  return withDataFile(bytes, async (path) => {
    const candidates: Candidate[] = [];
    const peers: Peer[] = [];
    try {
      candidates.push(await kernelCandidate(file, columns, "native", stepsPerRound, { threads: 2, before, look: stepsPerRound }));
      for (const [name, framework] of python ? peerNames : []) {
        const peer = await openPeer(name, "unet", [framework, path], stepsPerRound, { before });
        if (peer) peers.push(peer);
      }
      candidates.push(...peers);
      const table = rowsOf(await takeTurns(candidates), Object.fromEntries(candidates.map(({ name, loss }) => [name, `loss ${figures(loss)}`])));
      return {
        title: "U-Net",
        work: `${file.path} (28 × 28 and 14 × 14, 32 and 64 channels, attention of 4 heads over 196 positions), batch 64, Adam, on digits in noise; \`loss\`: −log likelihood of the noise after ${before} steps.`,
        unit: "ms/step",
        rows: table,
        bars: [speedBar(table, "native, 2 threads", peerNames.map(([name]) => name), 1, "PyTorch's best")],
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
  ["PyTorch compiled", "torch-compiled"], ["PyTorch compiled, channels last", "torch-compiled-channels-last"],
] as const;
