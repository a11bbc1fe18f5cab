import { createHash } from "node:crypto";
import { printable } from "../../diagnostics/render.js";
import type { LoadReport } from "../../runtime/model.js";
import type { ModelInput } from "../front.js";
import type { CommandContext } from "../run.js";
import type { SavedRun } from "./run-config.js";

/** Says which model files differ from those that the run was trained with, though its parameters fit them. @returns whether none does */
export function noteSource({ report }: CommandContext, run: SavedRun, input: ModelInput, { sameSource }: LoadReport): boolean {
  const known = new Map(run.config.sources.map(({ sha256 }, at) => [sha256, at]));
  const files = input.sources();
  const changed = files.filter(({ text }) => !known.has(createHash("sha256").update(text).digest("hex"))).map(({ path }) => path);
  // The checkpoint's own hash counts too: its run's config may have been written since.
  const [first] = files;
  if (!sameSource && changed.length === 0 && first) changed.push(first.path);
  if (changed.length === 0) return true;
  const message = `${changed.map(printable).join(", ")} ${changed.length === 1 ? "has" : "have"} changed since the run; the checkpoint's parameters fit`;
  report.event("note", { message, sameSource: false, changed });
  report.say(report.color.yellow(message));
  return false;
}
