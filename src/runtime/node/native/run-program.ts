import { spawn } from "node:child_process";

export interface ProgramResult {
  /** `missing`: there is no such program. */
  readonly outcome: "done" | "failed" | "missing" | "timeout";
  readonly stdout: string;
  /** Standard error, and for a program that could not be started the system's message. */
  readonly stderr: string;
}

const outputLimit = 4 << 20;

/** Runs a program without a shell and with nothing to read. When time is over it is ended with all that it started. */
export function runProgram(file: string, args: readonly string[], options: { readonly cwd?: string; readonly timeout: number }): Promise<ProgramResult> {
  return new Promise((resolve) => {
    let [stdout, stderr, late] = ["", "", false];
    // A group of its own: a compiler is several processes.
    const child = spawn(file, args, { cwd: options.cwd, stdio: ["ignore", "pipe", "pipe"], detached: process.platform !== "win32", shell: false, env: { ...process.env, LC_ALL: "C" } });
    const timer = setTimeout(() => {
      late = true;
      try {
        if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
      } catch {
        child.kill("SIGKILL");
      }
    }, options.timeout);
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout.length < outputLimit ? (stdout += text) : undefined));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr.length < outputLimit ? (stderr += text) : undefined));
    child.on("error", (cause: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      resolve({ outcome: cause.code === "ENOENT" || cause.code === "EACCES" ? "missing" : "failed", stdout, stderr: stderr || cause.message });
    });
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ outcome: late ? "timeout" : code === 0 ? "done" : "failed", stdout, stderr });
    });
  });
}
