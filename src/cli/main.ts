#!/usr/bin/env node
import module from "node:module";
import { exitCodes } from "./exit-codes.js";
import type { Output } from "./io.js";
import { run } from "./run.js";

// Where Node has it (22.1): a second start does not compile the same JavaScript again. Commands load their code after this.
if ("enableCompileCache" in module && typeof module.enableCompileCache === "function") module.enableCompileCache();

/** Wires a process to `run`; everything else is there, where tests reach it. */
function output(stream: NodeJS.WriteStream): Output {
  return {
    write: (text) => void stream.write(text),
    get isTTY() {
      return stream.isTTY === true;
    },
    get columns() {
      return stream.isTTY ? stream.columns : undefined;
    },
  };
}

// `lvmc … | head` closes the pipe: nobody is left to tell.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(exitCodes.ok);
  throw error;
});

const interruptible: NodeJS.Signals[] = ["SIGINT", "SIGTERM"];

process.exitCode = await run(process.argv.slice(2), {
  stdout: output(process.stdout),
  stderr: output(process.stderr),
  env: process.env,
  cwd: process.cwd(),
  onInterrupt(handler) {
    for (const signal of interruptible) process.on(signal, handler);
    return () => {
      for (const signal of interruptible) process.off(signal, handler);
    };
  },
  exitNow: (code) => process.exit(code),
});
