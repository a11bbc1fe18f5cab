import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";
import type { Io } from "../../src/cli/io.js";
import { run } from "../../src/cli/run.js";

export const repository = fileURLToPath(new URL("../..", import.meta.url));

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** The JSON lines of standard output. */
  readonly lines: readonly Record<string, unknown>[];
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly tty?: boolean;
  /** Called with each text on standard output, and with a function that presses Ctrl-C. */
  readonly onOutput?: (text: string, interrupt: () => void) => void;
}

/** A command line in this process. */
export async function lvmc(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  let out = "";
  let err = "";
  const handlers = new Set<() => void>();
  const io: Io = {
    stdout: {
      write(text) {
        out += text;
        options.onOutput?.(text, () => handlers.forEach((handler) => handler()));
      },
      isTTY: options.tty ?? false,
      columns: options.tty ? 100 : undefined,
    },
    stderr: { write: (text) => void (err += text), isTTY: options.tty ?? false, columns: undefined },
    env: options.env ?? {},
    cwd: options.cwd ?? repository,
    onInterrupt(handler) {
      handlers.add(handler);
      return () => void handlers.delete(handler);
    },
    exitNow: (code) => void (err += `exitNow ${code}\n`),
  };
  const code = await run(args, io);
  const lines = args.includes("--json") ? out.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as Record<string, unknown>) : [];
  return { code, out, err, lines };
}

const made: string[] = [];

/** A folder with files, gone after the test file. */
export function folderWith(files: Readonly<Record<string, string>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), "lvmc-test-"));
  made.push(folder);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

afterAll(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
});

export const goodModel = `/// A mean.
const WIDTH = 2

model m(x: real[WIDTH]) {
  z: real[WIDTH] ~ Normal(0, 1)
  x ~ Normal(z, 0.5)
}

guide m {
  local mean: real[WIDTH] = 0
  z ~ Normal(mean, 0.4)
}

train m {
  maximize elbo
  optimizer = adam(rate = 1e-2)
  batch = 8
  epochs = 2
}
`;

export const brokenModel = `model m(x: real) {
  z: real ~ Normal(0, 1)
  x ~ Normal(y, 1)
}
guide m { z ~ Normal(0, 1) }
`;

/** A small VAE on drawn digits: amortized, with images. */
export const tinyVae = `const LATENT = 2

network encoder(x: binary[784]) -> (mean: real[LATENT], scale: positive[LATENT]) {
  h = x |> dense(16) |> tanh
  mean = h |> dense(LATENT)
  scale = h |> dense(LATENT) |> softplus
}

network decoder(z: real[LATENT]) -> (logits: real[784]) {
  logits = z |> dense(16) |> tanh |> dense(784)
}

model tiny(x: binary[784]) {
  z: real[LATENT] ~ Normal(0, 1)
  x ~ Bernoulli(logits = decoder(z))
}

guide tiny {
  q = encoder(x)
  z ~ Normal(q.mean, q.scale)
}

train tiny {
  maximize elbo
  optimizer = adam(rate = 1e-2)
  data = digits(96)
  batch = 8
  epochs = 2
}
`;
