import { passes, type PassName } from "../../src/passes/pipeline.js";
import { schedule, type Schedule, type ScheduleOptions } from "../../src/passes/schedule.js";
import { type Target, webgpuTarget } from "../../src/passes/templates/template.js";
import { testTarget } from "../passes/support.js";
import type { DeviceCase } from "./device-case.js";

export interface Way extends Partial<ScheduleOptions> {
  readonly name: string;
}

export const full: Way = { name: "all passes" };
/** Each pass left out, and all of them. */
export const others: readonly Way[] = [
  { name: "no fusion", fusion: "none" },
  { name: "no merging", merge: false },
  { name: "loops as launches", loops: "launches" },
  { name: "loops as launches, no merging", loops: "launches", merge: false },
  ...passes.map(({ name }) => ({ name: `without ${name}`, without: [name] })),
  { name: "no passes", fusion: "none", merge: false, without: passes.map(({ name }): PassName => name) },
];

/** How a program is compiled for a device. */
export interface Build {
  readonly way: Way;
  /** Vector width; with `simt` the lanes of a workgroup. */
  readonly lanes: number;
  readonly simt?: true;
  /** Multiply-adds rounded twice, so that both devices compute the same bits. */
  readonly twice: boolean;
}

/** Both devices' builds of a seed: of four programs one has the same kernels on both, and three have one device or both without a pass. `lanes`: of the machine. */
export function buildsOf(seed: number, lanes: number): { readonly wasm: Build; readonly native: Build } {
  const turn = Math.floor(seed / 2);
  const other = others[Math.floor(turn / 4) % others.length]!;
  const next = others[(Math.floor(turn / 4) + 1) % others.length]!;
  const build = (way: Way, width = 4, twice = false): Build => ({ way, lanes: width, twice });
  switch (turn % 4) {
    case 0:
      return { wasm: build(full, 4, true), native: build(full, 4, true) };
    case 1:
      return { wasm: build(full), native: build(other, lanes) };
    case 2:
      return { wasm: build(other), native: build(full, lanes) };
    default:
      return { wasm: build(other), native: build(next, lanes) };
  }
}

/** Half of the programs with all passes; half with workgroups of 64 lanes, as users' are, the others with fewer. */
export function webgpuBuildOf(seed: number): Build {
  const turn = Math.floor(seed / 2);
  return { way: turn % 2 === 0 ? full : others[Math.floor(turn / 2) % others.length]!, lanes: turn % 4 < 2 ? webgpuTarget.lanes : 16, simt: true, twice: false };
}

export function scheduled({ program, aliases }: DeviceCase, { way, lanes, simt }: Build): Schedule {
  const target: Target = simt ? { ...webgpuTarget, lanes } : { ...testTarget, lanes, registers: lanes > 8 ? 32 : 16 };
  return schedule(program, { ...way, aliases, target });
}
