import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { boundCache, findEntry, hashFile, libraryName, makeWorkFolder, prepareCache, publishEntry, sha256 } from "./cache.js";
import { compileTimeout, type Compiler } from "./compiler.js";
import { firstLines, nativeError } from "./failure.js";
import { runProgram } from "./run-program.js";

export interface Library {
  readonly path: string;
  readonly key: string;
  /** Whether it was there already. */
  readonly cached: boolean;
}

/**
 * A shared library from C text, from the cache if the same compiler made it of the same text with the same flags for the same machine. Any number
 * of processes may do so at once: each builds in a folder of its own, and a rename puts a whole entry in place.
 *
 * @throws LvmError LVM7160 with the compiler's first lines
 */
export async function compileLibrary(text: string, compiler: Compiler, folder: string, timeout = compileTimeout): Promise<Library> {
  await prepareCache(folder);
  const key = sha256(JSON.stringify([1, text, compiler.command, compiler.macros, compiler.flags]));
  const found = await findEntry(folder, key);
  if (found !== undefined) return { path: found, key, cached: true };
  let work: string | undefined;
  try {
    work = await makeWorkFolder(folder, key);
    // The source stays beside the library, for whoever wants to read what runs.
    await writeFile(join(work, "kernels.c"), text, { mode: 0o600 });
    const [program, ...args] = compiler.command;
    // Names relative to the folder: its path never reaches the compiler.
    const result = await runProgram(program, [...args, ...compiler.flags, "-shared", "-fPIC", "-o", libraryName, "kernels.c", "-lm"], { cwd: work, timeout });
    if (result.outcome !== "done") {
      const said = firstLines(result.stderr);
      const facts = { compiler: compiler.command.join(" ") };
      if (result.outcome === "missing") throw nativeError("no-compiler", `${program} is not there any more`, { facts });
      if (result.outcome === "timeout") throw nativeError("compiler-timeout", `${program} was not done after ${timeout / 1000} s`, { facts });
      throw nativeError("compiler-failed", `${program} failed${said === "" ? "" : `:\n${said}`}`, { facts });
    }
    const hash = await hashFile(join(work, libraryName)).catch((cause: unknown) => {
      throw nativeError("compiler-failed", `${program} made no library`, { cause });
    });
    await writeFile(join(work, hash.name), hash.text, { mode: 0o600 });
    const path = await publishEntry(work, folder, key);
    await boundCache(folder, key);
    return { path, key, cached: false };
  } catch (cause) {
    if (work !== undefined) await rm(work, { recursive: true, force: true }).catch(() => {});
    if (cause instanceof Error && cause.name === "LvmError") throw cause;
    throw nativeError("cache", `cannot write to ${folder}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
