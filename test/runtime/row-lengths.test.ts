import { describe, expect, it } from "vitest";
import { bindColumns, type BoundColumn, type ColumnSpec, type ColumnSupport, type HostColumn } from "../../src/runtime/index.js";
import { parseDataSource } from "../../src/runtime/node/index.js";
import { failure } from "./lvm-error.js";

/** Guards `where length(x) <= T`: which steps of a row count, derived from the data or given with it, and that nothing beyond is judged or handed on. */

const most = 4;
const lengthSpec: ColumnSpec = { name: "length(x)", support: { kind: "count" }, shape: [], partlyObserved: false, role: "input", lengthOf: { column: "x", most } };
const spec = (name: string, support: ColumnSupport, inner: readonly number[] = [], partlyObserved = false): ColumnSpec => ({ name, support, shape: [most, ...inner], partlyObserved, role: "observed", length: "length(x)" });
const host = (name: string, values: HostColumn["values"], shape: readonly number[] = []): HostColumn => ({ name, values, shape, rows: values.length / shape.reduce((product, size) => product * size, 1), origin: `${name}.npy`, missing: "marked" });
const bind = (specs: readonly ColumnSpec[], columns: readonly HostColumn[], optional: readonly string[] = []): Record<string, BoundColumn> => Object.fromEntries(bindColumns(specs, columns, { optional }).map((column) => [column.name, column]));
const lengths = (specs: readonly ColumnSpec[], ...columns: HostColumn[]): number[] => [...bind([...specs, lengthSpec], columns)["length(x)"]!.values];

describe("lengths that the data does not give", () => {
  it("end where only missing steps follow: NaN in continuous columns, −1 in discrete ones", () => {
    const real = spec("x", { kind: "real" });
    expect(lengths([real], host("x", Float32Array.of(1, 2, NaN, NaN, 1, -1, -1, -1, 5, NaN, NaN, NaN, 1, 2, 3, NaN), [4]))).toEqual([2, 4, 1, 3]);
    const label = spec("x", { kind: "index", size: 3 });
    expect(lengths([label], host("x", Int32Array.of(0, 1, -1, -1, 2, 2, 2, 2), [4]))).toEqual([2, 4]);
    const binary = spec("x", { kind: "binary" }, [2]);
    expect(lengths([binary], host("x", Float32Array.of(0, 1, 0, 0, -1, -1, -1, -1, 1, 0, NaN, NaN, NaN, NaN, NaN, NaN), [4, 2]))).toEqual([2, 1]);
    // A step of which something is there is a step.
    expect(lengths([spec("x", { kind: "binary" }, [2])], host("x", Float32Array.of(0, 1, 1, 0, 1, 0, 1, 1), [4, 2]))).toEqual([4]);
  });

  it("of bytes, which have no missing values, and of all else that has none, are the most", () => {
    expect(lengths([spec("x", { kind: "byte" })], host("x", Uint8Array.of(0, 0, 0, 0, 255, 255, 255, 255), [4]))).toEqual([4, 4]);
    expect(lengths([spec("x", { kind: "real" })], host("x", Int32Array.of(-1, -1, -1, -1), [4]))).toEqual([4]);
  });

  it("of a partly observed row that is missing as a whole are the most, and the row is missing", () => {
    const bound = bind([spec("x", { kind: "real" }, [], true), lengthSpec], [host("x", Float32Array.of(NaN, NaN, NaN, NaN, 1, 2, NaN, NaN), [4])]);
    expect([...bound["length(x)"]!.values]).toEqual([4, 2]);
    expect(bound["x"]!.missingRows).toBe(1);
    expect([...bound["x"]!.values]).toEqual([NaN, NaN, NaN, NaN, 1, 2, 0, 0]);
  });

  it("a row without a step is refused, and a hole in a row", () => {
    const real = spec("x", { kind: "real" });
    expect(failure("LVM7028", () => lengths([real], host("x", Float32Array.of(1, 2, 3, 4, NaN, NaN, NaN, NaN), [4])))).toMatchInlineSnapshot(`
      "column x: row 1 has no step: all 4 are missing (x.npy)
      help: leave such rows out: a row has at least one step"
    `);
    expect(failure("LVM7025", () => lengths([real], host("x", Float32Array.of(1, NaN, 3, NaN), [4])))).toMatchInlineSnapshot(`
      "column x: row 0, element 1 (x.npy) has no value, and the model takes every row's
      help: only steps at the end of a row may be missing, all of their numbers; steps in between are known"
    `);
    expect(failure("LVM7025", () => lengths([spec("x", { kind: "real" }, [2])], host("x", Float32Array.of(1, 2, 3, NaN, NaN, NaN, NaN, NaN), [4, 2])))).toContain("row 0, element 3");
    expect(failure("LVM7023", () => lengths([spec("x", { kind: "binary" })], host("x", Int32Array.of(0, -1, 1, -1), [4])))).toContain("row 0, element 1 (x.npy) is -1");
  });
});

describe("lengths that the data gives", () => {
  const x = host("x", Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8), [4]);
  const real = spec("x", { kind: "real" });

  it("are whole numbers from 1 to T", () => {
    expect(lengths([real], x, host("length(x)", Float32Array.of(3, 4)))).toEqual([3, 4]);
    expect(lengths([real], x, host("length(x)", Uint8Array.of(1, 2)))).toEqual([1, 2]);
    expect(failure("LVM7028", () => lengths([real], x, host("length(x)", Int32Array.of(3, 5))))).toMatchInlineSnapshot(`
      "column length(x): row 1 (length(x).npy) is 5; a length is a whole number from 1 to 4
      help: give the model room for it (\`--set T=…\`, if that is its constant), or cut the row"
    `);
    for (const wrong of [0, -1, 2.5, NaN, Infinity]) expect(failure("LVM7028", () => lengths([real], x, host("length(x)", Float32Array.of(1, wrong))))).toContain(`row 1 (length(x).npy) is ${wrong};`);
    expect(failure("LVM7024", () => lengths([real], x, host("length(x)", Int32Array.of(3))))).toContain("length(x)");
  });

  it("decide, whatever stands beyond them: it is not judged and becomes zeros, in every column that ends with the row", () => {
    const specs = [spec("x", { kind: "binary" }), spec("k", { kind: "index", size: 2 }), spec("p", { kind: "positive" }), spec("s", { kind: "simplex" }, [2]), { name: "y", support: { kind: "real" }, shape: [2], partlyObserved: false, role: "observed" } satisfies ColumnSpec];
    const bound = bind([...specs, lengthSpec], [
      host("x", Float32Array.of(1, 0, 0.5, 77), [4]),
      host("k", Int32Array.of(1, 0, 9, -5), [4]),
      host("p", Float32Array.of(1, 2, -3, Infinity), [4]),
      host("s", Float32Array.of(0.5, 0.5, 0.2, 0.8, 3, 3, NaN, NaN), [4, 2]),
      host("y", Float32Array.of(8, 9), [2]),
      host("length(x)", Int32Array.of(2)),
    ]);
    expect(Object.fromEntries(Object.entries(bound).map(([name, { values }]) => [name, [...values]]))).toEqual({
      x: [1, 0, 0, 0], k: [1, 0, 0, 0], p: [1, 2, 0, 0], s: [0.5, 0.5, 0.2, 0.8, 0, 0, 0, 0].map(Math.fround), y: [8, 9], "length(x)": [2],
    });
    // No grey level is left, so the column is not binarized.
    expect(bound["x"]!.grey).toBe(false);
    // Within the row all is judged.
    expect(failure("LVM7023", () => bind([specs[2]!, lengthSpec], [host("p", Float32Array.of(1, -2, 3, 4), [4]), host("length(x)", Int32Array.of(2))]))).toContain("row 0, element 1");
  });

  it("are not changed where they come from", () => {
    const values = Float32Array.of(1, 2, NaN, NaN);
    bind([real, lengthSpec], [host("x", values, [4])]);
    expect([...values]).toEqual([1, 2, NaN, NaN]);
  });
});

it("the column that rows have lengths of is the one that is missed, not its lengths", () => {
  expect(failure("LVM7020", () => bind([lengthSpec, spec("x", { kind: "real" })], []))).toContain("the model's column x");
  expect(bind([lengthSpec, spec("x", { kind: "real" })], [], ["x"])).toEqual({});
});

it("a shape that does not fit is told as such", () => {
  expect(failure("LVM7022", () => bind([lengthSpec, spec("x", { kind: "real" })], [host("x", new Float32Array(10), [5])]))).toContain("real[4]");
});

it("--data names the column by what the model calls it", () => {
  expect(parseDataSource("length(x)=lengths.npy")).toMatchObject({ kind: "path", names: ["length(x)"], path: "lengths.npy" });
  expect(parseDataSource("x, length(x) = music.npz")).toMatchObject({ names: ["x", "length(x)"], path: "music.npz" });
});
