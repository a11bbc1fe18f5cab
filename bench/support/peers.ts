import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type Candidate, lossSteps } from "./measure.js";

/** The interpreter of the Python environment with the peers that LVMC_PEERS names; undefined where there is none. */
export const python: string | undefined = [`${process.env["LVMC_PEERS"] ?? ""}/bin/python`].find((path) => process.env["LVMC_PEERS"] && existsSync(path));

export const noPeers = "JAX and PyTorch: LVMC_PEERS names no Python environment that has them";

export function peerScript(name: string): string {
  return fileURLToPath(new URL(`../peers/${name}.py`, import.meta.url));
}

export interface Peer extends Candidate {
  readonly version: string;
}

/** How long a peer may take to start, and to compile its first step. */
const startSeconds = 180;

/**
 * A peer as a process of its own, which sleeps between its rounds; undefined where it cannot run, after a line that says why.
 * @param learns whether its loss is asked for after the first steps
 * @param before how many steps those are
 */
export async function openPeer(name: string, script: string, args: readonly string[], steps: number, { learns = true, before = lossSteps.before as number } = {}): Promise<Peer | undefined> {
  const child = spawn(python ?? "", ["-B", peerScript(script), ...args], { stdio: ["pipe", "pipe", "pipe"] });
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (complaint = (complaint + text).slice(-2000)));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async (seconds = 120): Promise<unknown> => {
    const timer = setTimeout(() => child.kill(), seconds * 1000);
    const { value, done } = await lines.next();
    clearTimeout(timer);
    if (done) throw new Error(complaint.trim().split("\n").at(-1) ?? "it ended");
    return JSON.parse(value) as unknown;
  };
  const ask = async (order: string): Promise<number> => {
    child.stdin.write(`${order}\n`);
    return Number(await answer());
  };
  try {
    const { version } = (await answer(startSeconds)) as { readonly version: string };
    await ask(`steps ${Math.max(1, before - warmUpSteps)}`);
    const loss = learns ? await ask(`loss ${lossSteps.over}`) : NaN;
    return { name, version, loss, round: () => ask(`steps ${steps}`), dispose: () => void child.stdin.end() };
  } catch (error) {
    child.kill();
    console.log(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

/** Steps that a peer takes before it says that it is ready: peers/common.py. */
const warmUpSteps = 20;
