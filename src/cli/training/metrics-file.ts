import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../../runtime/node/atomic-file.js";

/**
 * Takes lines of later steps out of a run's metrics.jsonl, before it goes on from `step`: what was written after the checkpoint happens again.
 * A line that was cut off in a crash goes too.
 */
export async function rewindMetrics(folder: string, step: number): Promise<void> {
  const path = join(folder, "metrics.jsonl");
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) return;
  const kept = text.split("\n").filter((line) => line !== "" && stepOf(line) <= step);
  const after = kept.map((line) => `${line}\n`).join("");
  if (after !== text) await writeFileAtomic(path, after);
}

function stepOf(line: string): number {
  try {
    const record: unknown = JSON.parse(line);
    return typeof record === "object" && record !== null && "step" in record && typeof record.step === "number" ? record.step : Infinity;
  } catch {
    return Infinity;
  }
}
