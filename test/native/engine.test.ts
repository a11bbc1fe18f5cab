import { execFile } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { renderC } from "../../src/codegen/c/index.js";
import type { KernelProgram } from "../../src/ir/kernel/nodes.js";
import { LvmError } from "../../src/runtime/error.js";
import { boundCache } from "../../src/runtime/node/native/cache.js";
import { createNativeModule, hostVectorWidth, nativeFailure } from "../../src/runtime/node/native/index.js";
import { runProgram } from "../../src/runtime/node/native/run-program.js";
import { buildRuntime } from "./built-runtime.js";
import { hasCompiler, kernel, matmul, program } from "./programs.js";

const run = promisify(execFile);
const work = mkdtempSync(join(tmpdir(), "lvmc-native-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));
const fresh = (name: string): string => mkdtempSync(join(work, `${name}-`));
const cacheFolder = fresh("cache");

/** Kernels that are shared among threads and kernels that are not, each reading what the one before wrote: a counter runs through all. */
function relay(groups: readonly number[], costs: readonly number[], words = 64): KernelProgram {
  const place = (i: number): number => 8 + i * words;
  return program(
    4,
    place(groups.length + 1),
    groups.map((count, i) =>
      kernel(
        `relay_${i}`,
        count,
        4,
        (b) => {
          // Word g of this row from the mirrored word of the row before; the first row from the last, and the step counter.
          const from = i === 0 ? groups.length - 1 : i - 1;
          const mirrored = b.remainder(b.subtract(groups[from]! * 20, b.add(b.group(), 1)), groups[from]!);
          const before = b.load(b.add(mirrored, place(from)), "i32");
          b.store(b.add(b.group(), place(i)), b.add(b.multiply(before, 3), b.add(b.group(), b.load(b.integer(0), "i32"))));
        },
        { flops: costs[i]! },
      ),
    ),
  );
}

describe.skipIf(!hasCompiler)("the native engine", () => {
  // Guards: barriers. Every kernel sees all that the one before wrote, and every step the counter of its own.
  it("gives the same bits for any number of threads", async () => {
    for (const costs of [[0, 0, 0, 0], [1, 0, 1, 1], [0, 1, 1, 0], [1, 1, 1, 1]]) {
      const whole = relay([40, 13, 64, 5], costs);
      const results: number[][] = [];
      for (const threads of [1, 2, 3, 7]) {
        const module = await createNativeModule(renderC(whole), { cacheFolder, threads });
        expect([module.threads, module.words, module.kernels]).toEqual([threads, whole.words, 4]);
        module.run(1);
        module.run(700);
        module.run(1);
        module.runKernel(2);
        module.runKernel(1);
        module.run(2);
        expect(module.arena.u32[0]).toBe(704);
        results.push([...module.arena.u32]);
        module.dispose();
      }
      // The same by hand.
      const rows = [40, 13, 64, 5].map((count) => new Int32Array(count));
      const step = (s: number, only?: number): void =>
        rows.forEach((row, i) => {
          const from = rows[(i + 3) % 4]!;
          if (only === undefined || only === i) for (let g = 0; g < row.length; g++) row[g] = Math.imul(from[(from.length * 20 - g - 1) % from.length]!, 3) + g + s;
        });
      for (let s = 0; s < 702; s++) step(s);
      step(702, 2);
      step(702, 1);
      step(702);
      step(703);
      expect(results[0]!.slice(8 + 2 * 64, 8 + 3 * 64)).toEqual([...new Uint32Array(rows[2]!.buffer)]);
      for (const result of results) expect(result).toEqual(results[0]);
    }
  });

  // Guards: a matrix product in register tiles is right (exactly so on small integers), also with threads that have no group.
  it("multiplies matrices", async () => {
    const lanes = await hostVectorWidth();
    const [m, k, n] = [12, 35, 4 * lanes * 2] as const;
    const [a, b, c] = [8, 8 + m * k, 8 + m * k + k * n] as const;
    const module = await createNativeModule(renderC(program(lanes, c + m * n, [matmul(lanes, [m, k, n], [a, b, c])])), { cacheFolder, threads: 3 });
    const { f32 } = module.arena;
    for (let i = a; i < c; i++) f32[i] = ((i * 7919) % 17) - 8;
    module.run(1);
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let t = 0; t < k; t++) sum += f32[a + i * k + t]! * f32[b + t * n + j]!;
        if (f32[c + i * n + j] !== sum) expect(f32[c + i * n + j], `element ${i}, ${j}`).toBe(sum);
      }
    }
    module.dispose();
  });

  // Guards: modules of the same library do not share memory, and a disposed one is harmless.
  it("keeps modules apart", async () => {
    const text = renderC(relay([8, 8], [0, 0]));
    const [one, two] = await Promise.all([createNativeModule(text, { cacheFolder, threads: 2 }), createNativeModule(text, { cacheFolder, threads: 2 })]);
    one.run(5);
    expect([one.arena.u32[0], two.arena.u32[0]]).toEqual([5, 0]);
    expect(one.arena.f32.byteOffset).toBe(0);
    const kept = one.arena.u32;
    one.dispose();
    one.dispose();
    expect(kept[0]).toBe(0);
    kept[1] = 1;
    expect(() => one.run(1)).toThrow(LvmError);
    expect(() => one.arena).toThrow(LvmError);
    two.run(3);
    expect(two.arena.u32[0]).toBe(3);
    two.run(0);
    expect(two.arena.u32[0]).toBe(3);
    expect(() => two.runKernel(2)).toThrow(RangeError);
    two.dispose();
  });

  // Guards: text of a model file stays inside its comment, and what is no name never becomes C.
  it("lets no title out of its comment", async () => {
    const hostile = ["*/ int main(void) { return 1; } /*", "x\nint broken", "x\r\nint broken", "x \\\nint broken", "trailing \\", "??/\nint broken", "u\u2028int broken\u2029x\u0085y\u000by\u000cz", "\u202e reversed", '"; system("x"); //', "#include </etc/passwd>", "%s %n `x` $(x)"];
    const source = { path: 'a*/b\n#error "path"\\', text: "model m() {}\n" };
    const make = (title: string, i: number) => kernel(`k${i}`, 1, 4, (b) => b.store(b.integer(8 + i), b.constant(1)), { title, origins: [{ source, start: 0, end: 4 }] });
    const whole = { ...program(4, 64, hostile.map(make)), name: "x */\n#error name" };
    const text = renderC(whole);
    expect(text).not.toMatch(/\n#error|\nint (broken|main)|\\\n/);
    expect(text).not.toMatch(/[\u2028\u2029\u0085\u000b\u000c\u202e\r]/);
    const module = await createNativeModule(text, { cacheFolder });
    module.run(1);
    expect([...module.arena.f32.subarray(8, 8 + hostile.length)]).toEqual(hostile.map(() => 1));
    module.dispose();
    for (const name of ["x; y", "x\n", "", "é", "x(", "a-b"]) {
      expect(() => renderC(program(4, 64, [kernel("k", 1, 4, () => {}, { body: [{ kind: "let", name, value: { kind: "constant", value: 1, type: "f32", width: "scalar" } }] })]))).toThrow("is not a name");
      expect(() => renderC(program(4, 64, [kernel(name, 1, 4, () => {})]))).toThrow("is not a name");
    }
  });

  // Guards: names that mean something else in C, the helpers' or the compiler's.
  it("uses no name twice", async () => {
    const names = ["m", "group", "int", "F", "fma_vf", "splat_vf", "engine", "linux", "__FILE__", "_x", "x__y", "end", "NULL", "LANES", "barrier"];
    const whole = program(4, 64, [
      kernel("main", 1, 4, () => {}, {
        body: names.flatMap((name, i) => [
          { kind: "let" as const, name, value: { kind: "constant" as const, value: i, type: "f32" as const, width: "scalar" as const } },
          { kind: "store" as const, index: { kind: "constant" as const, value: 8 + i, type: "i32" as const, width: "scalar" as const }, value: { kind: "name" as const, name, type: "f32" as const, width: "scalar" as const } },
        ]),
      }),
    ]);
    const module = await createNativeModule(renderC(whole), { cacheFolder });
    module.run(1);
    expect([...module.arena.f32.subarray(8, 8 + names.length)]).toEqual(names.map((_, i) => i));
    module.dispose();
  });
});

describe.skipIf(!hasCompiler)("the cache of native libraries", () => {
  const text = renderC(relay([6, 3], [0, 0]));
  const libraries = (folder: string): string[] => readdirSync(folder).filter((name) => !name.startsWith(".")).map((name) => join(folder, name, "kernels.so"));

  // Guards: the second run does not compile; a library that is not what was written is made again, not loaded.
  it("is used, and mended when it is damaged", async () => {
    const folder = join(fresh("mended"), "not", "there", "yet");
    (await createNativeModule(text, { cacheFolder: folder })).dispose();
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    const [library] = libraries(folder) as [string];
    const good = readFileSync(library);
    const first = statSync(library).ino;
    (await createNativeModule(text, { cacheFolder: folder })).dispose();
    expect(statSync(library).ino).toBe(first);
    for (const damage of [() => writeFileSync(library, good.subarray(0, 5000)), () => writeFileSync(library, Buffer.concat([good, Buffer.from("x")])), () => writeFileSync(join(library, "..", "sha256"), "no\n"), () => rmSync(library), () => rmSync(join(library, "..", "sha256")), () => writeFileSync(library, "")]) {
      // A mapped file must not change under the process: damage a copy with another inode.
      rmSync(library, { force: true });
      writeFileSync(library, good);
      damage();
      const module = await createNativeModule(text, { cacheFolder: folder });
      module.run(2);
      expect(module.arena.u32[0]).toBe(2);
      module.dispose();
      expect(libraries(folder)).toEqual([library]);
    }
    expect(readdirSync(folder)).toHaveLength(1);
  });

  // Guards: the size is bounded; what was used last stays, and the leavings of dead runs go.
  it("removes what was not used for longest", async () => {
    const folder = fresh("bounded");
    const keys = ["a", "b", "c", "d"].map((letter) => letter.repeat(64)) as [string, string, string, string];
    keys.forEach((key, i) => {
      mkdirSync(join(folder, key));
      writeFileSync(join(folder, key, "kernels.so"), Buffer.alloc(1000));
      utimesSync(join(folder, key), 1000 + i, 1000 + i);
    });
    mkdirSync(join(folder, ".dead"));
    utimesSync(join(folder, ".dead"), 1000, 1000);
    mkdirSync(join(folder, ".living"));
    mkdirSync(join(folder, "someone-elses"));
    await boundCache(folder, keys[0], 2000);
    expect(readdirSync(folder).sort()).toEqual([".living", keys[0], keys[3], "someone-elses"]);
  });

  // Guards: a library runs with the user's rights, so others may not be able to put one there.
  it("is for its owner alone", async () => {
    const folder = fresh("open");
    chmodSync(folder, 0o777);
    const error: unknown = await createNativeModule(text, { cacheFolder: folder }).catch((cause: unknown) => cause);
    expect(nativeFailure(error)).toBe("cache");
    const file = join(fresh("file"), "file");
    writeFileSync(file, "");
    expect(nativeFailure(await createNativeModule(text, { cacheFolder: join(file, "below") }).catch((cause: unknown) => cause))).toBe("cache");
  });

  // Guards: several processes that compile the same text at once.
  it("serves processes that compile at once", async () => {
    const folder = fresh("together");
    const index = buildRuntime(fresh("runtime"));
    const source = join(fresh("text"), "kernels.c");
    writeFileSync(source, text);
    const script = `
      import { readFileSync } from "node:fs";
      const { createNativeModule } = await import(process.argv[1]);
      const module = await createNativeModule(readFileSync(process.argv[2], "utf8"), { cacheFolder: process.argv[3], threads: 2 });
      module.run(10);
      console.log([...module.arena.u32].join());
      module.dispose();`;
    const results = await Promise.all(Array.from({ length: 6 }, () => run(process.execPath, ["--input-type=module", "-e", script, index, source, folder])));
    for (const { stdout, stderr } of results) expect([stdout, stderr]).toEqual([results[0]!.stdout, ""]);
    expect(results[0]!.stdout).toMatch(/^10,/);
    expect(readdirSync(folder)).toHaveLength(1);
  });

  // Guards: processes end by themselves, at once and without a crash, whatever the threads are doing.
  it("lets processes end", async () => {
    const index = buildRuntime(fresh("runtime"));
    const source = join(fresh("text"), "kernels.c");
    writeFileSync(source, text);
    const endings = ["module.dispose();", "", "process.exit(0);", "module.dispose(); process.exit(0);", "await new Promise((done) => setTimeout(done, 20));", "module = undefined; globalThis.gc(); await new Promise((done) => setTimeout(done, 5)); globalThis.gc();", "process.on('exit', () => module.run(3));"];
    const script = (ending: string): string => `
      import { readFileSync } from "node:fs";
      const { createNativeModule } = await import(process.argv[1]);
      let module = await createNativeModule(readFileSync(process.argv[2], "utf8"), { cacheFolder: process.argv[3], threads: 4 });
      module.run(100);
      console.log(module.arena.u32[0]);
      ${ending}`;
    for (let round = 0; round < 3; round++) {
      const results = await Promise.all(endings.map((ending) => run(process.execPath, ["--expose-gc", "--input-type=module", "-e", script(ending), index, source, cacheFolder], { timeout: 30_000 })));
      for (const { stdout, stderr } of results) expect([stdout, stderr]).toEqual(["100\n", ""]);
    }
  });
});

describe("a compiler that does not help", () => {
  const text = "int broken(void) { return }\n";
  const failure = async (compiler: string, timeout?: number): Promise<readonly [string | undefined, string]> => {
    const error: unknown = await createNativeModule(text, { compiler, cacheFolder: fresh("failing"), timeout }).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(LvmError);
    return [nativeFailure(error), (error as LvmError).message];
  };
  const script = (body: string): string => {
    const path = join(fresh("compiler"), "cc");
    writeFileSync(path, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
    return path;
  };
  const answer = 'case "$*" in *-dM*) echo "#define __GNUC__ 12"; exit 0;; esac';

  // Guards: each way of failing has its reason and tells what the compiler said, so that the caller can go on with another device.
  it("has a reason", async () => {
    expect(await failure("lvmc-no-such-compiler")).toEqual(["no-compiler", "no native kernels: there is no C compiler lvmc-no-such-compiler"]);
    expect((await failure("/bin/false"))[0]).toBe("compiler-failed");
    expect((await failure("/bin/true"))[0]).toBe("compiler-failed");
    expect(await failure(script(`${answer}; echo "first line" >&2; echo "second\u001b[31m line" >&2; exit 1`))).toEqual(["compiler-failed", expect.stringMatching(/failed:\nfirst line\nsecond \[31m line$/)]);
    expect((await failure(script(`${answer}; exit 0`)))[0]).toBe("compiler-failed");
    expect((await failure(script(`${answer}; echo 'no library' > kernels.so`)))[0]).toBe(existsSync("/proc") ? "load" : expect.anything());
    expect((await failure(script(`${answer}; sleep 60 & sleep 60`), 300))[0]).toBe("compiler-timeout");
    expect(nativeFailure(new Error("another"))).toBeUndefined();
    expect(nativeFailure(new LvmError("LVM7150", "another"))).toBeUndefined();
  });

  it.skipIf(!hasCompiler)("says what is wrong with the text", async () => {
    const [reason, message] = await failure("cc");
    expect(reason).toBe("compiler-failed");
    expect(message).toContain("kernels.c:1");
  });

  // Guards: a compiler is several processes; none is left behind.
  it("is ended with all that it started", async () => {
    const path = script("sleep 61.25 & echo $!; sleep 61.25");
    const result = await runProgram(path, [], { timeout: 200 });
    expect(result.outcome).toBe("timeout");
    const pid = Number(result.stdout);
    expect(pid).toBeGreaterThan(1);
    await new Promise((done) => setTimeout(done, 50));
    const state = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.[0] : "gone";
    expect(["gone", "Z", "X"]).toContain(state);
  });
});
