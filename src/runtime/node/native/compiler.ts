import { nativeError, firstLines } from "./failure.js";
import { runProgram } from "./run-program.js";

/** The machine's C compiler: how it is called and what it compiles for. */
export interface Compiler {
  /** Program and first arguments: `CC="ccache gcc"` has one. */
  readonly command: readonly [string, ...string[]];
  readonly flags: readonly string[];
  /** All that it defines: its version, and each instruction set of this machine. Two that agree make the same code. */
  readonly macros: string;
  /** f32 lanes of its widest vectors: 16 with AVX-512, 8 with AVX2, else 4. */
  readonly lanes: number;
}

/** Milliseconds for one compilation. */
export const compileTimeout = 300_000;

/** -march also names ABIs on ARM; there the CPU is named with -mcpu. */
const machineFlag = process.arch === "arm64" ? "-mcpu=native" : "-march=native";

/** The kernels' meaning rests on them: nothing is reassociated or contracted. Errors and traps of the math library are of no interest. */
const flags = ["-std=gnu11", "-O3", machineFlag, "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-fvisibility=hidden", "-pthread", "-w"] as const;

const known = new Map<string, Promise<Compiler>>();

/**
 * The compiler named by `command`, by $CC, or `cc`. Asked once per process.
 *
 * @throws LvmError LVM7160 where there is none or it cannot answer
 */
export function findCompiler(command = process.env["CC"]?.trim() || "cc"): Promise<Compiler> {
  let compiler = known.get(command);
  if (compiler === undefined) {
    compiler = probe(command);
    known.set(command, compiler);
    compiler.catch(() => known.delete(command)); // it may be mended
  }
  return compiler;
}

/** f32 lanes that kernels for this machine should have. @throws LvmError LVM7160 */
export async function hostVectorWidth(compiler?: string): Promise<number> {
  return (await findCompiler(compiler)).lanes;
}

async function probe(text: string): Promise<Compiler> {
  const [file = "cc", ...args] = text.split(/\s+/);
  const answer = await runProgram(file, [...args, machineFlag, "-dM", "-E", "-x", "c", "/dev/null"], { timeout: 10_000 });
  if (answer.outcome === "missing") throw nativeError("no-compiler", `there is no C compiler ${file}`, { help: "install gcc or clang, or name one in CC", facts: { compiler: text } });
  if (answer.outcome === "timeout") throw nativeError("compiler-timeout", `${file} does not answer`, { facts: { compiler: text } });
  const macros = answer.stdout;
  if (answer.outcome === "failed" || !/^#define __GNUC__ /m.test(macros)) {
    const said = firstLines(answer.stderr);
    throw nativeError("compiler-failed", `${file} is no C compiler that knows this machine${said === "" ? "" : `:\n${said}`}`, { help: "gcc and clang are supported; name one in CC", facts: { compiler: text } });
  }
  const has = (macro: string): boolean => macros.includes(`#define ${macro} `);
  return { command: [file, ...args], flags, macros, lanes: has("__AVX512F__") && has("__AVX512DQ__") ? 16 : has("__AVX2__") && has("__FMA__") ? 8 : 4 };
}
