import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem, type as systemType } from "node:os";
import { figures, type Section } from "./result.js";

/** Prints a run as tables, and keeps it in bench/results/ with `BENCH_KEEP=1`: `<name>-<date>.json`, and the same to read as `.md`. */
export function report(name: string, title: string, command: string, sections: readonly Section[]): void {
  const run = { date: new Date().toISOString().slice(0, 10), command: `${environment()}${command}`, machine: machine(), versions: versions(sections), load: loadavg().map((value) => Number(value.toFixed(2))), sections };
  const text = printed(title, run);
  console.log(`\n${text}`);
  if (process.env["BENCH_KEEP"] !== "1") return;
  const folder = new URL("../results/", import.meta.url);
  mkdirSync(folder, { recursive: true });
  writeFileSync(new URL(`${name}-${run.date}.json`, folder), `${JSON.stringify(run, (_, value: unknown) => (typeof value === "number" ? Number(value.toPrecision(4)) : value), 2)}\n`);
  writeFileSync(new URL(`${name}-${run.date}.md`, folder), text);
}

interface Run {
  readonly date: string;
  readonly command: string;
  readonly machine: string;
  readonly versions: readonly string[];
  readonly load: readonly number[];
  readonly sections: readonly Section[];
}

function printed(title: string, { date, command, machine, versions, load, sections }: Run): string {
  const bars = sections.flatMap((section) => section.bars.map(({ work, bar, found, met }) => [section.title, work, bar, found, met === undefined ? "not measured" : met ? "yes" : "**no**"]));
  const parts = [`# ${title}`, `${date}, \`${command}\`, ${machine}; load at the end ${load.join(", ")}.`, `${versions.join(", ")}.`];
  if (bars.length > 0) parts.push(table(["work", "what", "bar", "found", "met"], bars));
  for (const { title: heading, work, unit, rows, skipped } of sections) {
    parts.push(`## ${heading}`, work);
    const first = rows[0]?.median ?? NaN;
    const noted = rows.some(({ note }) => note !== undefined);
    if (rows.length > 0) parts.push(table(["", `${unit}, median`, "lowest – highest", "ratio to the first", ...(noted ? ["note"] : [])], rows.map(({ name, median, lowest, highest, note }) => [name, figures(median), `${figures(lowest)} – ${figures(highest)}`, figures(median / first), ...(noted ? [note ?? ""] : [])])));
    if (skipped.length > 0) parts.push(`Skipped: ${skipped.join("; ")}.`);
  }
  return `${parts.join("\n\n")}\n`;
}

/** A Markdown table that is one for the eye as well. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((cell, at) => Math.max(cell.length, 3, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (cells: readonly string[]): string => `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

/** The settings that make a run what it is, as they would be typed. The Python environment's place is nobody's business. */
function environment(): string {
  return ["BENCH_ROUNDS", "BENCH_ONLY", "BENCH_EPOCHS"].filter((name) => process.env[name] !== undefined).map((name) => `${name}=${process.env[name]} `).join("");
}

function machine(): string {
  const processors = cpus();
  return `${processors.length} cores ${processors[0]?.model.trim() ?? ""} (${process.arch}), ${Math.round(totalmem() / 2 ** 30)} GiB, ${systemType()} ${release().split("-")[0]}`;
}

function versions(sections: readonly Section[]): string[] {
  const packages = ["@tensorflow/tfjs-core", "@tensorflow/tfjs-backend-wasm", "@jax-js/jax"].flatMap((name) => {
    try {
      const text = readFileSync(new URL(`../../node_modules/${name}/package.json`, import.meta.url), "utf8");
      return [`${name} ${(JSON.parse(text) as { readonly version: string }).version}`];
    } catch {
      return [];
    }
  });
  return [`Node ${process.versions.node}`, compiler(), ...packages, ...new Set(sections.flatMap(({ versions: of }) => of ?? []))];
}

function compiler(): string {
  try {
    return execFileSync(process.env["CC"] ?? "cc", ["--version"], { encoding: "utf8" }).split("\n")[0] ?? "";
  } catch {
    return "no C compiler";
  }
}
