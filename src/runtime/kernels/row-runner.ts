import { arenaWords } from "../kernel-engine.js";
import { isPerRow, type RowProgram } from "../train/definition.js";
import type { HostOutput, RowRunner } from "../train/row-runner.js";
import type { KernelPrograms, Region, RowsArtifact } from "./artifact.js";
import { binarizeKey, binarizeRows, layOutRows } from "./lay-out.js";
import type { KernelHost, Opened } from "./host.js";
import { evaluatedParameter, type KernelState } from "./state.js";
import { setScalar } from "./trainer.js";

/** The programs over rows of one model, made when they are first asked for. */
export interface RowModules {
  /** Calls `use` with a program that nobody else uses meanwhile; that of samples takes `batch` rows at a time. */
  use<T>(program: RowProgram, batch: number | undefined, use: (opened: Opened<RowsArtifact>) => Promise<T>): Promise<T>;
  dispose(): void;
}

/** Rows that go through a program at a time, where nobody says how many. */
const chunkRows = 256;

export function createRowModules(state: KernelState, programs: KernelPrograms, host: KernelHost): RowModules {
  const made = new Map<string, Promise<Opened<RowsArtifact>>>();
  const turns = new Map<string, Promise<unknown>>();
  const { importanceRows = chunkRows, evaluationRows = chunkRows } = state.definition;
  const rowsOf = (program: RowProgram, batch: number | undefined): number => {
    if (program === "importance") return Math.min(chunkRows, importanceRows);
    if (program === "evaluate") return Math.min(chunkRows, evaluationRows);
    return program === "sample" ? (batch ?? chunkRows) : chunkRows;
  };
  const get = (key: string, program: RowProgram, rows: number): Promise<Opened<RowsArtifact>> => {
    const known = made.get(key);
    if (known) return known;
    const promise = host.open((device, workgroup) => programs.rows(program, { rows }, device, workgroup));
    made.set(key, promise);
    promise.catch(() => made.delete(key));
    return promise;
  };
  return {
    use(program, batch, use) {
      const rows = rowsOf(program, batch);
      const key = `${program} ${rows}`;
      const turn = (turns.get(key) ?? Promise.resolve()).then(() => get(key, program, rows)).then(use);
      turns.set(key, turn.catch(() => undefined));
      return turn;
    },
    dispose() {
      for (const promise of made.values()) promise.then(({ module }) => module.dispose(), () => undefined);
      made.clear();
    },
  };
}

/** Programs over rows on kernels, a chunk at a time: of rows and of the parameters that rows have of their own. */
export function rowRunner(state: KernelState, programs: KernelPrograms, modules: RowModules): RowRunner {
  return {
    definition: state.definition,
    get dataset() {
      return state.dataset;
    },
    has: (program) => programs.has(program),
    run: ({ program, step, data, wanted, batch, signal }, visit) =>
      modules.use(program, batch, async ({ artifact, module }) => {
        const { f32, i32, u32 } = module.arena;
        const { inputs, outputs, rows: size, rowsAxis } = artifact;
        const send = (region: Region | undefined): void => region && module.send(region.offset, region.words);
        const perRow: { readonly values: Float32Array; readonly region: Region; readonly size: number }[] = [];
        for (const parameter of state.definition.parameters) {
          const [region, values] = [inputs[parameter.name], evaluatedParameter(state, parameter.name)];
          if (!region || !values) continue;
          if (isPerRow(parameter)) perRow.push({ values, region, size: region.words / size });
          else {
            f32.set(values, region.offset);
            send(region);
          }
        }
        setScalar(f32, inputs["dataset"], state.dataset ?? data.rows);
        send(inputs["dataset"]);
        const indices = new Int32Array(size);
        const results = Object.entries(outputs).filter(([name]) => wanted?.has(name) ?? true);
        for (let first = 0, chunk = 0; first < data.rows; first += size, chunk++) {
          signal?.throwIfAborted();
          const rows = Math.min(size, data.rows - first);
          // The rest of the last chunk repeats its last row.
          for (let at = 0; at < size; at++) indices[at] = Math.min(first + at, data.rows - 1);
          data.columns.forEach((column, at) => {
            const region = inputs[column.plan.name];
            if (!region) return;
            const elements = region.words / size;
            layOutRows(column, indices, elements, region.type === "f32" ? f32 : i32, region.offset);
            if (column.bound?.grey && region.type === "f32") binarizeRows(f32.subarray(region.offset, region.offset + region.words), state.definition.training.binarize, binarizeKey(state.random, at, 0), first * elements);
            send(region);
          });
          for (const { values, region, size: each } of perRow) {
            f32.set(values.subarray(first * each, (first + rows) * each), region.offset);
            send(region);
          }
          if (inputs["rowIndex"]) for (let at = 0; at < size; at++) i32[inputs["rowIndex"].offset + at] = Math.min(at, rows - 1);
          send(inputs["rowIndex"]);
          u32[arenaWords.step] = step;
          u32.set([...state.random.seed, chunk], arenaWords.key);
          module.send(arenaWords.key, 3);
          module.run(1);
          await module.fetch(results.map(([, region]) => region));
          visit(Object.fromEntries(results.map(([name, region]) => [name, outputOf(region, region.type === "f32" ? f32 : i32, rowsAxis[name] ?? -1, rows)])), rows, first);
          // Timers and signals come through between chunks.
          await new Promise<void>((resolve) => setTimeout(resolve, 0));
        }
      }),
  };
}

/** A copy of an output, cut to `rows` along the axis of the rows. */
function outputOf({ offset, words, shape }: Region, memory: Float32Array | Int32Array, axis: number, rows: number): HostOutput {
  const all = memory.slice(offset, offset + words);
  const size = shape[axis];
  if (size === undefined || size === rows) return { values: all, shape };
  const inner = shape.slice(axis + 1).reduce((product, dim) => product * dim, 1);
  const outer = words / (inner * size);
  const values = all.slice(0, outer * rows * inner);
  for (let block = 0; block < outer; block++) values.set(all.subarray(block * size * inner, (block * size + rows) * inner), block * rows * inner);
  return { values, shape: shape.map((dim, at) => (at === axis ? rows : dim)) };
}
