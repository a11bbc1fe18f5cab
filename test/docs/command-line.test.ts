import { smallRobot } from "../support/small-robot.js";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { exitCodes } from "../../src/cli/exit-codes.js";
import { createProgram } from "../../src/cli/program.js";
import { folderWith, goodModel, lvmc } from "../cli/harness.js";
import { gaussianPrior, linearText } from "../stages/support/linear.js";
import { readDoc, root, sectionOf, table, tableOf } from "./blocks.js";

/** Guards docs/command-line.md against the command line's own grammar. */

const program = createProgram({ writeOut: () => {}, writeErr: () => {}, execute: async () => {} });
const commands = program.commands.filter((command) => command.name() !== "help");

function optionTable(command: Command): string {
  const args = command.registeredArguments.map((argument) => [`\`${argument.required ? "<" : "["}${argument.name()}${argument.variadic ? "..." : ""}${argument.required ? ">" : "]"}\``, argument.description, argument.defaultValue === undefined ? "" : `\`${String(argument.defaultValue)}\``]);
  const options = command.options.filter(({ hidden }) => !hidden).map((option) => [
    `\`${option.flags}\``,
    `${option.description}${option.argChoices ? `: ${option.argChoices.map((choice) => `\`${choice}\``).join(", ")}` : ""}`,
    option.defaultValue === undefined || option.negate ? "" : `\`${String(option.defaultValue)}\``,
  ]);
  return table(["argument or option", "meaning", "default"], [...args, ...options]);
}

/** The doc comments of src/cli/exit-codes.ts. */
function exitCodeTable(): string {
  const source = readFileSync(join(root, "src/cli/exit-codes.ts"), "utf8");
  const meanings = new Map([...source.matchAll(/\/\*\* (.*) \*\/\n {2}(\w+): \d+,/g)].map(([, meaning = "", name = ""]) => [name, meaning]));
  return table(["code", "name", "meaning"], Object.entries(exitCodes).map(([name, code]) => [String(code), name, meanings.get(name) ?? ""]));
}

function expectSection(name: string, expected: string): void {
  if (process.env["UPDATE_GOLDENS"] !== undefined) {
    const markdown = readDoc("command-line.md");
    writeFileSync(join(root, "docs", "command-line.md"), markdown.replace(`<!-- ${name} -->\n${sectionOf(markdown, name)}`, () => `<!-- ${name} -->\n${expected}`));
  }
  expect(sectionOf(readDoc("command-line.md"), name), "run with UPDATE_GOLDENS=1, and read the difference").toBe(expected);
}

/** An episode of a model that has hardly learnt anything. */
async function planned(cwd: string): Promise<Awaited<ReturnType<typeof lvmc>>["lines"]> {
  writeFileSync(join(cwd, "robot.lvm"), smallRobot);
  const trained = await lvmc(["train", "robot.lvm", "--steps", "1", "--no-samples", "--device", "wasm", "--json"], { cwd });
  const run = String(trained.lines.at(-1)?.["run"]);
  return (await lvmc(["plan", run, "--environment", "robot_room", "--device", "wasm", "--episodes", "1", "--steps", "1", "--horizon", "3", "--samples", "8", "--elites", "2", "--iterations", "1", "--json"], { cwd })).lines;
}

describe("command-line.md", () => {
  it("has a section for each command", () => {
    const headings = [...readDoc("command-line.md").matchAll(/^## ([a-z]+)$/gm)].map(([, name]) => name);
    expect(headings).toEqual(commands.map((command) => command.name()));
  });

  it.each(commands.map((command) => [command.name(), command] as const))("lists the arguments and options of %s", (name, command) => {
    expectSection(name, optionTable(command));
  });

  it("lists the exit codes", () => {
    expectSection("exit-codes", exitCodeTable());
  });

  it("names every type of line and every field that commands print", async () => {
    const documented = new Map(tableOf(readDoc("command-line.md"), "json").map(([type = "", , fields = ""]) => [type.replaceAll("`", ""), new Set([...fields.matchAll(/`(\w+)(?:: \w+)?`/g)].map(([, field]) => field))]));
    const cwd = folderWith({ "m.lvm": goodModel, "bad.lvm": "model m(x: real) { x ~ Normal(y, 1) }\n", "typo.lvm": "model m(x: real) { x ~ Norml(0, 1) }\n", "d.csv": "x_1,x_2\n1,2\n3,4\n", "stages.lvm": linearText + gaussianPrior, "three.csv": "x_1,x_2,x_3\n1,2,3\n4,5,7\n" });
    const printed = await lvmc(["train", "m.lvm", "--data", "d.csv", "--validation-data", "d.csv", "--json"], { cwd });
    const run = String(printed.lines.at(-1)?.["run"]);
    writeFileSync(join(cwd, "m.lvm"), `${goodModel}// changed\n`);
    const lines = [
      ...printed.lines,
      ...(await lvmc(["check", "m.lvm", "bad.lvm", "--json"], { cwd })).lines,
      ...(await lvmc(["check", "typo.lvm", "--fix", "--json"], { cwd })).lines,
      ...(await lvmc(["eval", "m.lvm", "--run", run, "--evidence-samples", "5", "--json"], { cwd })).lines,
      ...(await lvmc(["train", "m.lvm", "--data", "d.csv", "--device", "wasm", "--profile", "--verbose", "--json"], { cwd })).lines,
      ...(await lvmc(["doctor", "m.lvm", "--json"], { cwd })).lines,
      ...(await planned(cwd)),
      ...(await lvmc(["train", "stages.lvm", "--data", "three.csv", "--steps", "1", "--device", "wasm", "--json"], { cwd })).lines,
      ...(await lvmc(["train", "absent.lvm", "--json"], { cwd })).lines,
      ...(await lvmc(["train", "m.lvm", "--data", "absent.csv", "--json"], { cwd })).lines,
    ];
    for (const { lvmc: version, type, ...fields } of lines) {
      expect(version).toBe(1);
      const known = documented.get(String(type));
      expect(known, `type ${String(type)}`).toBeDefined();
      if (type === "result") continue;
      for (const field of Object.keys(fields)) expect([...(known ?? [])], `field ${field} of ${String(type)}`).toContain(field);
    }
    // All but `ready`, of a server that runs until it is interrupted, and one that a machine may not print.
    expect(new Set(lines.map(({ type }) => type)).size).toBeGreaterThanOrEqual(documented.size - 2);
  });
});
