import { describe, expect, it } from "vitest";
import { batchIndices, bindColumns, binarize, createRandom, editDistance, fillUniform, gatherRows, maskColumn, nextPosition, stepsPerEpoch, type ColumnSpec, type ColumnSupport, type HostColumn } from "../../src/runtime/index.js";
import { failure } from "./lvm-error.js";

const spec = (name: string, support: ColumnSupport, shape: readonly number[] = [], partlyObserved = false): ColumnSpec => ({ name, support, shape, partlyObserved, role: "observed" });
const host = (name: string, values: HostColumn["values"], shape: readonly number[] = [], more: Partial<HostColumn> = {}): HostColumn => ({ name, rows: values.length / shape.reduce((a, b) => a * b, 1), shape, values, origin: `${name}.npy`, missing: "none", ...more });
const bind = (column: ColumnSpec, data: HostColumn): ReturnType<typeof bindColumns>[number] => bindColumns([column], [data])[0]!;

describe("matching columns by name", () => {
  const x = host("x", Float32Array.of(1, 2));

  it("takes the model's columns and passes over others of the same file", () => {
    expect(bindColumns([spec("x", { kind: "real" })], [x, host("label", Int32Array.of(1, 2))]).map((column) => column.name)).toEqual(["x"]);
  });

  it("names what is missing, and what there is", () => {
    expect(failure("LVM7020", () => bindColumns([spec("weight", { kind: "real" })], [x, host("wieght", Float32Array.of(1, 2))]))).toMatchInlineSnapshot(`
      "the model's column weight: real is not in the data; the data has x, wieght
      help: is it wieght? Rename it, or give it by name: --data weight=FILE"
    `);
    expect(failure("LVM7020", () => bindColumns([spec("y", { kind: "index", size: 3 }, [2], true)], []))).toContain("column y: index(3)[2]? is not in the data; no data is given");
    expect(bindColumns([spec("x", { kind: "real" })], [], { optional: ["x"] })).toEqual([]);
  });

  it("refuses a column that was named and is not the model's, and one given twice", () => {
    expect(failure("LVM7021", () => bindColumns([spec("x", { kind: "real" })], [x, { ...x, name: "xs", named: true }]))).toContain("the model has no column xs (x.npy); it has x: real");
    expect(failure("LVM7021", () => bindColumns([spec("x", { kind: "real" })], [x, x]))).toBe("column x is given twice: x.npy and x.npy");
  });

  it("wants as many rows of each", () => {
    expect(failure("LVM7024", () => bindColumns([spec("x", { kind: "real" }), spec("y", { kind: "real" })], [x, host("y", new Float32Array(3))]))).toContain("column x has 2 rows (x.npy) and column y has 3 (y.npy)");
    expect(failure("LVM7024", () => bind(spec("x", { kind: "real" }), host("x", new Float32Array(0))))).toContain("has no rows");
  });

  it("edit distance counts swaps once", () => {
    expect([editDistance("ab", "ba"), editDistance("kitten", "sitting"), editDistance("", "abc")]).toEqual([1, 3, 3]);
  });
});

describe("shapes and types", () => {
  it("shapes with equal numbers of elements fit, others name both", () => {
    const images = host("x", new Uint8Array(2 * 784), [28, 28]);
    expect(bind(spec("x", { kind: "binary" }, [784]), images).size).toBe(784);
    expect(bind(spec("x", { kind: "unit" }, [28, 28, 1]), images).size).toBe(784);
    expect(failure("LVM7022", () => bind(spec("x", { kind: "binary" }, [32, 32]), images))).toMatchInlineSnapshot(`
      "column x: the model takes binary[32, 32], 1,024 numbers; a row of the data is [28, 28], 784 numbers (x.npy)
      help: change the size in the model, or the data"
    `);
  });

  it("bytes are grey levels for unit, binary and real images, numbers elsewhere, and 0/1 where they are no more", () => {
    const bytes = host("x", Uint8Array.of(0, 51, 255, 1), [2]);
    expect(bind(spec("x", { kind: "unit" }, [2]), bytes)).toMatchObject({ scale: 1 / 255, grey: false });
    expect(bind(spec("x", { kind: "real" }, [2]), bytes)).toMatchObject({ scale: 1 / 255, grey: false });
    expect(bind(spec("x", { kind: "binary" }, [2]), bytes)).toMatchObject({ scale: 1 / 255, grey: true });
    expect(bind(spec("x", { kind: "byte" }, [2]), bytes)).toMatchObject({ scale: 1, grey: false });
    expect(bind(spec("x", { kind: "real" }), host("x", Uint8Array.of(3, 200)))).toMatchObject({ scale: 1 });
    expect(bind(spec("x", { kind: "binary" }), host("x", Uint8Array.of(0, 1)))).toMatchObject({ scale: 1, grey: false });
    expect(bind(spec("x", { kind: "binary" }), host("x", Float32Array.of(0, 0.25)))).toMatchObject({ grey: true });
    expect([...gatherRows(bind(spec("x", { kind: "unit" }, [2]), bytes), [1, 0], new Float32Array(4))]).toEqual([1, 1 / 255, 0, 0.2].map(Math.fround));
  });

  it.each<[ColumnSupport, HostColumn["values"], number | undefined, string]>([
    [{ kind: "index", size: 3 }, Int32Array.of(0, 2, 3), undefined, "column x: row 2 (x.npy) is 3; the model takes index(3): a whole number from 0 to 2\nhelp: labels count from 0: subtract 1"],
    [{ kind: "index", size: 3 }, Float32Array.of(0, 1.5), undefined, "column x: row 1 (x.npy) is 1.5; the model takes index(3): a whole number from 0 to 2"],
    [{ kind: "index", size: 3 }, Uint8Array.of(0, 9), undefined, "column x: row 1 (x.npy) is 9; the model takes index(3): a whole number from 0 to 2"],
    [{ kind: "positive" }, Float32Array.of(1, 0), undefined, "column x: row 1 (x.npy) is 0; the model takes positive: above 0"],
    [{ kind: "nonnegative" }, Float32Array.of(0, -1), undefined, "column x: row 1 (x.npy) is -1; the model takes nonnegative: 0 or more"],
    [{ kind: "unit" }, Float32Array.of(0, 128), undefined, "column x: row 1 (x.npy) is 128; the model takes unit: from 0 to 1\nhelp: grey levels from 0 to 255 are scaled by themselves when the file holds bytes (uint8)"],
    [{ kind: "binary" }, Int32Array.of(0, 2), undefined, "column x: row 1 (x.npy) is 2; the model takes binary: 0 or 1, or a grey level from 0 to 1"],
    [{ kind: "count" }, Float32Array.of(0, 2.5), undefined, "column x: row 1 (x.npy) is 2.5; the model takes count: a whole number, 0 or more"],
    [{ kind: "byte" }, Int32Array.of(0, 256), undefined, "column x: row 1 (x.npy) is 256; the model takes byte: a whole number from 0 to 255"],
    [{ kind: "angle" }, Float32Array.of(0, 180), undefined, "column x: row 1 (x.npy) is 180; the model takes angle: an angle in radians from -π to 2π"],
    [{ kind: "interval", low: -1, high: 1 }, Float32Array.of(0, 1.5), undefined, "column x: row 1 (x.npy) is 1.5; the model takes interval(-1, 1): from -1 to 1"],
    [{ kind: "real" }, Float32Array.of(0, Infinity), undefined, "column x: row 1 (x.npy) is Infinity; the model takes real: a finite number"],
    [{ kind: "simplex" }, Float32Array.of(0.5, 0.5, 0.5, 0.25), 2, "column x: row 1 (x.npy) sums to 0.750000, not to 1; the model takes simplex[2]".replace("row 1", "row 1, element 0")],
    [{ kind: "ordered" }, Float32Array.of(1, 2, 2, 2), 2, "column x: row 1, element 0 (x.npy) does not increase: 2 is followed by 2; the model takes ordered[2]"],
  ])("%j refuses the first bad value with its row", (support, values, size, message) => {
    expect(failure("LVM7023", () => bind(spec("x", support, size === undefined ? [] : [size]), host("x", values, size === undefined ? [] : [size])))).toBe(message);
  });

  it("joint constraints of matrices", () => {
    const matrix = (kind: "cholesky" | "covariance", ...values: number[]): unknown => bind(spec("x", { kind }, [2, 2]), host("x", Float32Array.from(values), [2, 2]));
    matrix("cholesky", 1, 0, -3, 2);
    matrix("covariance", 2, 1, 1, 2);
    expect(failure("LVM7023", () => matrix("cholesky", 1, 1, 0, 1))).toContain("above its diagonal");
    expect(failure("LVM7023", () => matrix("cholesky", 0, 0, 0, 1))).toContain("on its diagonal");
    expect(failure("LVM7023", () => matrix("covariance", 1, 2, 2, 1))).toContain("not positive definite");
    expect(failure("LVM7023", () => matrix("covariance", 1, 0, 0.5, 1))).toContain("not symmetric");
  });

  it("missing values: refused with the place, or marked where the column may lack them", () => {
    const holes = host("x", Float32Array.of(1, NaN, 0), [], { missing: "marked" });
    expect(failure("LVM7025", () => bind(spec("x", { kind: "real" }), holes))).toMatchInlineSnapshot(`
      "column x: row 1 (x.npy) has no value, and the model takes every row's
      help: declare the column as partly observed, \`x: real?\`, or leave such rows out"
    `);
    expect(bind(spec("x", { kind: "real" }, [], true), holes)).toMatchObject({ missingRows: 1, values: Float32Array.of(1, NaN, 0) });
    expect(bind(spec("x", { kind: "index", size: 2 }, [], true), holes)).toMatchObject({ missingRows: 1, values: Int32Array.of(1, -1, 0) });
    expect(bind(spec("x", { kind: "index", size: 2 }, [], true), host("x", Int32Array.of(-1, 1)))).toMatchObject({ missingRows: 1, values: Int32Array.of(-1, 1) });
    expect(failure("LVM7023", () => bind(spec("x", { kind: "index", size: 2 }), host("x", Int32Array.of(-1, 1))))).toContain("row 0 (x.npy) is -1");
  });
});

describe("rows of a partly observed vector", () => {
  const partly = spec("x", { kind: "real" }, [2, 2], true);
  const rows = (...values: number[]): HostColumn => host("x", Float32Array.from(values), [2, 2], { missing: "marked" });

  it("are there or missing as a whole", () => {
    expect(bind(partly, rows(1, 2, 3, 4, NaN, NaN, NaN, NaN))).toMatchObject({ missingRows: 1 });
  });

  it("are refused with row and element when they are missing in part, wherever the hole is", () => {
    for (let hole = 0; hole < 4; hole++) {
      const text = failure("LVM7027", () => bind(partly, rows(1, 2, 3, 4, NaN, NaN, NaN, NaN, ...[5, 6, 7, 8].map((value, at) => (at === hole ? NaN : value)))));
      expect(text).toContain(`column x: row 2, element ${hole} (x.npy) has no value, and 3 of the 4 numbers of this row have one`);
    }
    expect(failure("LVM7027", () => bind(partly, rows(1, NaN, NaN, NaN)))).toMatchInlineSnapshot(`
      "column x: row 0, element 1 (x.npy) has no value, and 1 of the 4 numbers of this row have one
      help: a row of \`x\` is observed or missing as a whole: fill the row in, leave all of it out, or make its parts columns of their own"
    `);
    // Constraints on a row do not hide it.
    expect(failure("LVM7027", () => bind(spec("s", { kind: "simplex" }, [2], true), host("s", Float32Array.of(NaN, 0.5), [2])))).toContain("row 0, element 0");
  });
});

describe("binarization", () => {
  it("fresh: probability grey / 255, black stays black and white white, anew at each step, the same for the same key (false alarm 1e-6)", () => {
    const n = 100_000;
    const key = createRandom(1).key(0, 0);
    const p = 0.3;
    const drawn = binarize(new Float32Array(n).fill(p), "fresh", key, new Float32Array(n));
    const mean = drawn.reduce((sum, value) => sum + value, 0) / n;
    expect(Math.abs(mean - p) / Math.sqrt((p * (1 - p)) / n)).toBeLessThan(4.9);
    expect(binarize(new Float32Array(n).fill(p), "fresh", key)).toEqual(drawn);
    expect(binarize(new Float32Array(n).fill(p), "fresh", { ...key, step: 1 })).not.toEqual(drawn);
    expect(binarize(new Float32Array(n), "fresh", key).every((value) => value === 0)).toBe(true);
    expect(binarize(new Float32Array(n).fill(1), "fresh", key).every((value) => value === 1)).toBe(true);
    const uniforms = new Float32Array(n);
    fillUniform(uniforms, key);
    expect(drawn.every((value, i) => value === (uniforms[i]! < Math.fround(p) ? 1 : 0))).toBe(true);
  });

  it("by threshold: 1 from the threshold on", () => {
    expect([...binarize(Float32Array.of(0, 0.5, 0.49), { threshold: 0.5 }, createRandom(1).key(0))]).toEqual([0, 1, 0]);
  });
});

describe("hiding a partly observed column", () => {
  const labels = host("y", Int32Array.from({ length: 1000 }, (_, i) => (i < 10 ? 0 : i % 2 === 0 ? 1 : 2)));
  const column = bind(spec("y", { kind: "index", size: 3 }, [], true), labels);

  it("keeps the share of each class, the same rows for the same seed", () => {
    const masked = maskColumn(column, 0.1, 7);
    const kept = [...masked.values].map((value, row) => [value, row] as const).filter(([value]) => value !== -1);
    expect([0, 1, 2].map((k) => kept.filter(([value]) => value === k).length)).toEqual([1, 50, 50]);
    for (const [value, row] of kept) expect(value).toBe(labels.values[row]);
    expect(masked.missingRows).toBe(899);
    expect(maskColumn(column, 0.1, 7)).toEqual(masked);
    expect(maskColumn(column, 0.1, 8)).not.toEqual(masked);
    expect(maskColumn(column, 1, 7).missingRows).toBe(0);
    expect(maskColumn(column, 0, 7).missingRows).toBe(1000);
    expect(column.missingRows).toBe(0);
  });

  it("marks continuous columns with NaN and refuses columns that are always observed", () => {
    const x = bind(spec("x", { kind: "real" }, [2], true), host("x", new Float32Array(20), [2]));
    expect([...maskColumn(x, 0.5, 1).values].filter((value) => Number.isNaN(value))).toHaveLength(10);
    expect(failure("LVM7026", () => maskColumn(bind(spec("y", { kind: "index", size: 3 }), labels), 0.1, 7))).toContain("cannot be hidden");
    expect(failure("LVM7026", () => maskColumn(column, 1.1, 7))).toContain("from 0 to 1");
  });
});

describe("minibatches", () => {
  it("visit each row once in an epoch, in another order in the next, and leave the rest out", () => {
    const seed = createRandom(5).seed;
    const batches = batchIndices(103, 10, 0, seed);
    expect(batches.map((rows) => rows.length)).toEqual(new Array(10).fill(10));
    const seen = batches.flatMap((rows) => [...rows]);
    expect(new Set(seen).size).toBe(100);
    expect(Math.max(...seen)).toBeLessThan(103);
    expect(batchIndices(103, 10, 1, seed)).not.toEqual(batches);
    // A resumed run asks again.
    expect(batchIndices(103, 10, 0, seed)).toEqual(batches);
    expect(batchIndices(8, 128, 0, seed).map((rows) => [...rows].sort())).toEqual([[0, 1, 2, 3, 4, 5, 6, 7]]);
  });

  it("positions count through epochs", () => {
    expect(stepsPerEpoch(103, 10)).toBe(10);
    expect(nextPosition({ epoch: 0, step: 8 }, 103, 10)).toEqual({ epoch: 0, step: 9 });
    expect(nextPosition({ epoch: 0, step: 9 }, 103, 10)).toEqual({ epoch: 1, step: 0 });
  });
});
