import { extname, resolve } from "node:path";
import { printable } from "../../diagnostics/render.js";
import { writeFileAtomic } from "../../runtime/node/atomic-file.js";
import { UsageError } from "../errors.js";
import { exitCodes } from "../exit-codes.js";
import { accept, openModel, type ModelOptions } from "../front.js";
import type { CommandContext, CommandResult } from "../run.js";

export interface GraphCommandOptions extends ModelOptions {
  readonly out?: string;
}

/** `lvmc graph FILE -o model.svg`: the plate diagram of a model. */
export async function graph(context: CommandContext, file: string, options: GraphCommandOptions): Promise<CommandResult> {
  const { io, report } = context;
  if (options.out !== undefined && extname(options.out).toLowerCase() !== ".svg") throw new UsageError(`-o ${options.out}: write an .svg file`);
  const input = openModel(context, file, options);
  const { drawGraph } = await import("../../driver/graph.js");
  const { svg, diagram } = accept(context, drawGraph(input.source, input.options));
  const facts = { file, model: diagram.model, nodes: diagram.nodes.map(({ id, role, detail }) => ({ id, role, detail })), edges: diagram.edges };
  if (options.out === undefined) {
    if (!report.json) io.stdout.write(svg);
    return { exit: exitCodes.ok, facts: { ...facts, text: svg } };
  }
  await writeFileAtomic(resolve(io.cwd, options.out), svg);
  report.say(`${report.color.green("✓")} ${printable(file)} → ${printable(options.out)}`);
  return { exit: exitCodes.ok, facts: { ...facts, out: options.out } };
}
