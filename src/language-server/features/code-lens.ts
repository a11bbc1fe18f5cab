import { type CodeLens, type Command, ErrorCodes, ResponseError } from "vscode-languageserver";
import { printObjective } from "../../objectives/print.js";
import type { Analysis } from "../analysis.js";
import type { Feature } from "../feature.js";
import { rangeOf } from "../positions.js";

/** What stands above a model; an editor runs these, with the file's address and the model's name. */
export const modelCommands = { train: "lvmc.train", objective: "lvmc.showObjective", graph: "lvmc.showGraph" } as const;

/** What the server itself does: gives the derivation of a model's objective as text. */
export const objectiveText = "lvmc.objectiveText";

/** Train · Objective · Graph above each model. */
export const codeLens: Feature = {
  capabilities: () => ({ codeLensProvider: { resolveProvider: false }, executeCommandProvider: { commands: [objectiveText] } }),
  register({ connection, workspace, settings }) {
    connection.onCodeLens(({ textDocument: { uri } }) => {
      const analysis = settings().codeLens ? workspace.analysis(uri) : undefined;
      return analysis ? lensesOf(analysis, uri) : [];
    });
    connection.onExecuteCommand(({ command, arguments: given = [] }) => {
      if (command !== objectiveText) return new ResponseError(ErrorCodes.MethodNotFound, `no command \`${command}\``);
      const [uri, model] = given as readonly unknown[];
      const analysis = typeof uri === "string" ? workspace.analysis(uri) : undefined;
      return analysis && (model === undefined || typeof model === "string") ? (derivationOf(analysis, model) ?? null) : null;
    });
  },
};

/** A model that is trained has `Train`. Models with mistakes keep theirs: lines that come and go would move the text under the cursor. */
export function lensesOf({ module }: Analysis, uri: string): CodeLens[] {
  return module.items.flatMap((item) => {
    if (item.kind !== "model" || item.name.name === "") return [];
    const range = rangeOf(item.name.span);
    const command = (title: string, name: string, tooltip: string): CodeLens => ({ range, command: { title, command: name, tooltip, arguments: [uri, item.name.name] } satisfies Command });
    const trained = module.items.some((each) => each.kind === "train" && each.name.name === item.name.name);
    return [
      ...(trained ? [command("Train", modelCommands.train, "Runs `lvmc train` in a terminal")] : []),
      command("Objective", modelCommands.objective, "What is maximized, and how it is derived"),
      command("Graph", modelCommands.graph, "Latents, data and plates as a picture"),
    ];
  });
}

/** The objective of a model, or of the file's first, derived step by step; undefined where there is none without a mistake. */
export function derivationOf(analysis: Analysis, model?: string): string | undefined {
  const program = analysis.programs.find(({ name }) => model === undefined || name === model);
  return program && printObjective(analysis.objective(program), "text");
}
