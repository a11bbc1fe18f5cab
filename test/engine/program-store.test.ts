import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { kernelDefinition } from "../../src/driver/kernel-programs.js";
import { programKey } from "../../src/driver/program-key.js";
import { lowerTrainingStep } from "../../src/lowering/training-step.js";
import { openProgramStore } from "../../src/runtime/node/program-store.js";
import { lowerText } from "../support/lowered.js";
import { tinyVae } from "../training/support.js";

// Guards that a run never gets kernels of another program, another compiler or a damaged file, and gets its own again.

const folders: string[] = [];
const folder = (): string => folders[folders.push(mkdtempSync(join(tmpdir(), "lvmc-programs-"))) - 1]!;
afterEach(() => folders.splice(0).forEach((each) => rmSync(each, { recursive: true, force: true })));

const sizes = { batch: 8, slots: 2, dataset: 40 };

async function storeOf(path: string, build = "a build") {
  const store = (await openProgramStore(path, build))!;
  const events: string[] = [];
  const watched = {
    load: async (key: string) => {
      const found = await store.load(key);
      events.push(found === undefined ? "made" : "found");
      return found;
    },
    save: async (key: string, artifact: unknown) => {
      await store.save(key, artifact);
      events.push("kept");
    },
  };
  const programs = (text: string) => kernelDefinition(lowerText(text), { path: "m.lvm", text }, () => 8, undefined, watched).programs;
  return { events, programs, kept: async () => { while (events.at(-1) === "made") await new Promise((resolve) => setTimeout(resolve, 5)); } };
}

it("gives the same program again, to the last bit, on each device", async () => {
  const path = folder();
  for (const device of ["native", "wasm", "webgpu"] as const) {
    const { events, programs, kept } = await storeOf(path);
    const made = await programs(tinyVae).step(sizes, device);
    await kept();
    expect(await programs(tinyVae).step(sizes, device)).toEqual(made);
    const rows = await programs(tinyVae).rows("evaluate", { rows: 16 }, device);
    await kept();
    expect(await programs(tinyVae).rows("evaluate", { rows: 16 }, device)).toEqual(rows);
    expect(events).toEqual(["made", "kept", "found", "made", "kept", "found"]);
  }
});

it("makes it anew for another text, another size, another build, and where the file is damaged", async () => {
  const path = folder();
  const first = await storeOf(path);
  await first.programs(tinyVae).step(sizes, "wasm");
  await first.kept();
  const looks = async (text: string, other: typeof sizes, build?: string): Promise<string | undefined> => {
    const store = await storeOf(path, build);
    await store.programs(text).step(other, "wasm");
    const [event] = store.events;
    await store.kept();
    return event;
  };
  expect(await looks(tinyVae, sizes)).toBe("found");
  expect(await looks(tinyVae.replace("Normal(0, 1)", "Normal(0, 2)"), sizes)).toBe("made");
  // The lines of kernels are others.
  expect(await looks(`\n${tinyVae}`, sizes)).toBe("made");
  expect(await looks(tinyVae, { ...sizes, batch: 4 })).toBe("made");
  expect(await looks(tinyVae, sizes, "another build")).toBe("made");
  for (const name of readdirSync(path)) {
    const bytes = readFileSync(join(path, name));
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(join(path, name), bytes);
  }
  expect(await looks(tinyVae, sizes)).toBe("made");
});

it("makes it anew for a GPU of other limits, where a choice depends on them", async () => {
  const path = folder();
  const looks = async (workgroup?: { invocations: number; bytes: number }): Promise<string | undefined> => {
    const store = await storeOf(path);
    await store.programs(tinyVae).step(sizes, "webgpu", workgroup);
    const [event] = store.events;
    await store.kept();
    return event;
  };
  expect(await looks()).toBe("made");
  expect(await looks({ invocations: 256, bytes: 16384 })).toBe("found");
  expect(await looks({ invocations: 128, bytes: 16384 })).toBe("made");
  expect(await looks({ invocations: 1024, bytes: 49152 })).toBe("made");
  expect(await looks({ invocations: 256, bytes: 232448 })).toBe("found");
});

it("tells constants apart that JSON does not", () => {
  const keys = [0, -0, Infinity, -Infinity, NaN].map((value) => {
    const { program } = lowerTrainingStep(lowerText(tinyVae), sizes);
    const nodes = program.nodes.map((node) => (node.op.kind === "constant" ? { ...node, op: { ...node.op, values: [value] } } : node));
    return programKey({ ...program, nodes });
  });
  expect(new Set(keys).size).toBe(5);
});
