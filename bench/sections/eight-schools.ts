import { makeBuiltinData } from "../../src/runtime/builtin-data/index.js";
import { kernelCandidate, modelFile } from "../support/kernels.js";
import { type Candidate, lossSteps, takeTurns } from "../support/measure.js";
import { noPeers, openPeer, type Peer, python } from "../support/peers.js";
import { figures, limitBar, rowsOf, type Section } from "../support/result.js";

const stepsPerRound = 50_000;
/** Steps between two looks at the metrics: what `lvmc train` takes for the 5,000 epochs of the model file is 100. */
const look = 1000;
/** The steps that warm JAX up. */
const lossBefore = 2080;

/** A step of models/eight_schools.lvm: microseconds of arithmetic, where everything else is overhead. */
export async function eightSchools(): Promise<Section> {
  const file = modelFile("eight_schools");
  const columns = Object.fromEntries(makeBuiltinData("eight_schools", [], 0).map((column) => [column.name, column]));
  const candidates: Candidate[] = [];
  const peers: Peer[] = [];
  try {
    for (const device of ["native", "wasm"] as const) candidates.push(await kernelCandidate(file, columns, device, stepsPerRound, { look, before: lossBefore, name: device }));
    for (const [name, which, steps] of python ? peerNames : []) {
      const peer = await openPeer(name, "eight_schools", [which], steps);
      if (peer) peers.push(peer);
    }
    candidates.push(...peers);
    const times = await takeTurns(candidates);
    const micros = new Map([...times].map(([name, list]) => [name, list.map((value) => value * 1000)]));
    const table = rowsOf(micros, Object.fromEntries(candidates.map(({ name, loss }) => [name, `loss ${figures(loss)}`])));
    const found = (name: string): number | undefined => table.find((row) => row.name === name)?.median;
    return {
      title: "Eight schools",
      work: `${file.path}, mean-field, 8 rows, Adam, ${stepsPerRound.toLocaleString("en-US")} steps a round, metrics every ${look}; \`loss\`: −ELBO / 8 of ${lossSteps.over} steps after ${lossBefore.toLocaleString("en-US")}, one draw each. With lax.scan JAX takes ${look} steps in one call.`,
      unit: "µs/step",
      rows: table,
      bars: [limitBar("native", found("native"), 5, "µs"), limitBar("wasm", found("wasm"), 15, "µs")],
      skipped: python ? peerNames.filter(([name]) => !peers.some((peer) => peer.name === name)).map(([name]) => name) : [noPeers],
      versions: peers.map(({ version }) => version),
    };
  } finally {
    for (const candidate of [...candidates, ...peers]) await candidate.dispose();
  }
}

const peerNames = [["JAX jit, a call each step", "jit", 5000], ["JAX jit, lax.scan", "scan", 50_000]] as const;
