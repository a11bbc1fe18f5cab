import { createRequire } from "node:module";

/** ts-morph brings the whole TypeScript compiler: it is loaded when code is first emitted, so that commands that only check start fast. */
export function tsMorph(): typeof import("ts-morph") {
  return (loaded ??= createRequire(import.meta.url)("ts-morph") as typeof import("ts-morph"));
}

let loaded: typeof import("ts-morph") | undefined;
