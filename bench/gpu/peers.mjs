import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** Pythons that may have JAX or PyTorch: the environment that LVMC_PEERS names, else the system's. */
export function findPython() {
  const named = process.env["LVMC_PEERS"];
  if (named && existsSync(join(named, "bin", "python"))) return join(named, "bin", "python");
  return (process.env["PATH"] ?? "").split(":").map((folder) => join(folder, "python3")).find((path) => existsSync(path));
}

/** fp32 is fp32: without a word both round operands of products to TF32 on some GPUs. */
export const precisions = [
  { name: "fp32, TF32 off", environment: { JAX_DEFAULT_MATMUL_PRECISION: "float32", LVMC_PEERS_TF32: "0", NVIDIA_TF32_OVERRIDE: "0" } },
  { name: "TF32 on", environment: { JAX_DEFAULT_MATMUL_PRECISION: "tensorfloat32", LVMC_PEERS_TF32: "1" } },
];

/** A script as a process that answers a line for each order, and sleeps in between; or why it does not run. */
export async function openPeer(python, script, args, environment, patience = 240) {
  // JAX would take three quarters of the GPU's memory for itself.
  const child = spawn(python, ["-B", script, ...args], { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, LVMC_PEERS_DEVICE: "cuda", XLA_PYTHON_CLIENT_PREALLOCATE: "false", ...environment } });
  let complaint = "";
  child.on("error", (error) => (complaint = error.message));
  child.stdin.on("error", () => undefined);
  child.stderr.setEncoding("utf8").on("data", (text) => (complaint = (complaint + text).slice(-4000)));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async (seconds) => {
    const timer = setTimeout(() => child.kill("SIGKILL"), seconds * 1000);
    const { value, done } = await lines.next();
    clearTimeout(timer);
    if (done) throw new Error(complaint.trim().split("\n").at(-1) || "it ended");
    return JSON.parse(value);
  };
  try {
    const { version } = await answer(patience);
    return {
      version,
      ask: async (order) => {
        child.stdin.write(`${order}\n`);
        return Number(await answer(patience));
      },
      close: () => void child.stdin.end(),
    };
  } catch (error) {
    child.kill("SIGKILL");
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}
