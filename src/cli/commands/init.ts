import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { UsageError } from "../errors.js";
import { exitCodes } from "../exit-codes.js";
import { invocationOf } from "../invocation.js";
import type { CommandContext, CommandResult } from "../run.js";
import { shellQuote } from "../shell-quote.js";

/** `lvmc init [FOLDER]`: a model file and a README. Never overwrites: nothing is written where one of the files is there. */
export async function init({ io, report }: CommandContext, folder: string): Promise<CommandResult> {
  const invocation = invocationOf(io.env);
  const target = resolve(io.cwd, folder);
  const model = await readFile(new URL("../../../models/vae.lvm", import.meta.url), "utf8");
  const files = [["vae.lvm", model], ["README.md", readme.replace(/^lvmc /gm, `${invocation} `)], [".gitignore", "node_modules/\nruns/\n"]] as const;
  const there = files.find(([name]) => existsSync(join(target, name)));
  if (there) throw new UsageError(`${join(folder, there[0])} is there already; nothing was written`, `give another folder: ${invocation} init my-model`);
  if (existsSync(target) === false) await mkdir(target, { recursive: true });
  for (const [name, text] of files) await writeFile(join(target, name), text, { flag: "wx" });
  const enter = folder === "." ? "" : `cd ${shellQuote(folder)} && `;
  report.say(`${report.color.green("✓")} ${files.map(([name]) => join(folder, name)).join(", ")}\n\nnext: ${enter}${invocation} train vae.lvm\n      ${invocation} explain objective vae.lvm`);
  return { exit: exitCodes.ok, facts: { folder: target, files: files.map(([name]) => name) } };
}

const readme = `# A model in lvmc

\`vae.lvm\` declares a variational auto-encoder; lvmc derives its objective and trains it.

\`\`\`sh
lvmc check vae.lvm                     # mistakes, with what to do about them
lvmc explain objective vae.lvm         # the derived bound, term by term
lvmc train vae.lvm                     # trains on built-in digits; Ctrl-C saves and prints how to go on
lvmc train vae.lvm --set LATENT=10     # another size
lvmc train vae.lvm --data x=train-images-idx3-ubyte.gz
lvmc eval runs/vae-…                   # nats per row, active units
lvmc eval runs/vae-… --evidence-samples 5000
lvmc sample runs/vae-… -n 64 -o samples.png
lvmc compile vae.lvm -o vae.ts         # the TypeScript that trains it
lvmc fmt vae.lvm
\`\`\`
`;
