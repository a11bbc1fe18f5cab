import { describe, expect, it } from "vitest";
import { bindColumns, builtinData, checkBuiltinArguments, makeBuiltinData, parseBuiltinCall, type HostColumn } from "../../src/runtime/index.js";
import { failure } from "./lvm-error.js";

const column = (columns: readonly HostColumn[], name: string): HostColumn => {
  const found = columns.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`no column ${name}`);
  return found;
};

describe("every built-in data set", () => {
  const calls: [string, number[]][] = [["digits", [50]], ["moons", [50]], ["spiral", [50]], ["blobs", [50, 3]], ["eight_schools", []], ["regression", [50]], ["factors", [50, 6, 2]], ["radon", [100]], ["robot_room", [20, 5]], ["bouncing_ball", [20, 5]], ["polyphonic", [20, 8]], ["state_sequences", [50, 6]], ["tracking", [50, 6]]];

  it("is in this list", () => {
    expect(calls.map(([name]) => name)).toEqual(Object.keys(builtinData));
  });

  it.each(calls)("%s(%j): same seed, same rows; another seed or split, others; columns as declared and in their supports", (name, args) => {
    const made = makeBuiltinData(name, args, 3);
    expect(makeBuiltinData(name, args, 3)).toEqual(made);
    if (name !== "eight_schools") {
      for (const other of [makeBuiltinData(name, args, 4), makeBuiltinData(name, args, 3, "test")]) other.forEach((data, i) => expect(data.values).not.toEqual(made[i]!.values));
    }
    const info = builtinData[name]!.columns(checkBuiltinArguments(name, args));
    expect(made.map((data) => [data.name, data.shape])).toEqual(info.map((data) => [data.name, data.shape]));
    expect(bindColumns(info.map((data) => ({ ...data, partlyObserved: false, role: "observed" as const })), made)).toHaveLength(info.length);
  });

  it("has rows that do not depend on how many there are", () => {
    for (const name of ["digits", "moons", "spiral", "regression", "robot_room", "bouncing_ball", "polyphonic", "state_sequences", "tracking"]) {
      const few = makeBuiltinData(name, [20], 1);
      const many = makeBuiltinData(name, [40], 1);
      few.forEach((data, i) => expect([...data.values]).toEqual([...many[i]!.values.subarray(0, data.values.length)]));
    }
  });
});

describe("digits", () => {
  const train = makeBuiltinData("digits", [2000], 0);
  const test = makeBuiltinData("digits", [500], 0, "test");
  const pixels = (columns: readonly HostColumn[], row: number): Uint8Array => column(columns, "x").values.subarray(row * 784, (row + 1) * 784) as Uint8Array;
  const label = (columns: readonly HostColumn[], row: number): number => column(columns, "y").values[row]!;
  const distance = (a: Uint8Array, b: Uint8Array): number => {
    let sum = 0;
    for (let i = 0; i < 784; i++) sum += (a[i]! - b[i]!) ** 2;
    return Math.sqrt(sum) / 255;
  };
  const neighbours = Array.from({ length: 500 }, (_, row) => {
    const own = pixels(test, row);
    let best = { distance: Infinity, row: -1 };
    for (let other = 0; other < 2000; other++) {
      const d = distance(own, pixels(train, other));
      if (d < best.distance) best = { distance: d, row: other };
    }
    return best;
  });

  it("are labelled by what is drawn: the nearest of 2000 others mostly has the same label (measured 90 %; on MNIST 92 %; chance 10 %)", () => {
    const right = neighbours.filter(({ row: other }, row) => label(train, other) === label(test, row)).length;
    expect(right).toBeGreaterThan(430);
  });

  it("are various: no two rows alike, nearest neighbours as far apart as in MNIST (mean 5.1, there 5.2), and no classifier by means alone", () => {
    expect(Math.min(...neighbours.map((neighbour) => neighbour.distance))).toBeGreaterThan(0.5);
    const mean = neighbours.reduce((sum, neighbour) => sum + neighbour.distance, 0) / 500;
    expect(mean).toBeGreaterThan(4);
    expect(mean).toBeLessThan(8);
    const centroids = Array.from({ length: 10 }, () => new Float64Array(784));
    for (let row = 0; row < 2000; row++) pixels(train, row).forEach((value, i) => (centroids[label(train, row)]![i]! += value / 200));
    const right = Array.from({ length: 500 }, (_, row) => {
      const scores = centroids.map((centroid) => centroid.reduce((sum, value, i) => sum + (value - pixels(test, row)[i]!) ** 2, 0));
      return scores.indexOf(Math.min(...scores)) === label(test, row);
    }).filter(Boolean).length;
    expect(right).toBeGreaterThan(300);
    expect(right).toBeLessThan(475);
  });

  it("have the statistics of handwriting: a fifth of the pixels inked, two black pixels around, full contrast, each digit equally often", () => {
    const x = column(train, "x").values as Uint8Array;
    const inked = x.reduce((count, value) => count + (value > 0 ? 1 : 0), 0) / x.length;
    expect(inked).toBeGreaterThan(0.14);
    expect(inked).toBeLessThan(0.26);
    for (let row = 0; row < 2000; row++) {
      const own = pixels(train, row);
      expect(Math.max(...own)).toBeGreaterThan(200);
      for (let i = 0; i < 28; i++) expect(own[i]! + own[27 * 28 + i]! + own[28 * i]! + own[28 * i + 27]!).toBe(0);
    }
    const counts = new Array<number>(10).fill(0);
    for (const y of column(train, "y").values) counts[y]!++;
    expect(counts).toEqual(new Array(10).fill(200));
  });
});

describe("data with known truth", () => {
  it("regression: least squares finds the documented weights within five standard errors (false alarm 6e-7 each)", () => {
    const n = 20_000;
    const data = makeBuiltinData("regression", [n], 1);
    const x = column(data, "x").values;
    const y = column(data, "y").values;
    const truth = [1.5, -2, 0.5];
    // x is standard normal and independent, so the moment Σ x y / n estimates each weight; its noise includes the other terms.
    const noise = Math.sqrt(1.5 ** 2 + 2 ** 2 + 0.5 ** 2 + 0.7 ** 2 + 0.25 + 4);
    for (let j = 0; j < 3; j++) {
      let moment = 0;
      for (let i = 0; i < n; i++) moment += x[3 * i + j]! * y[i]!;
      expect(Math.abs(moment / n - truth[j]!)).toBeLessThan((5 * noise) / Math.sqrt(n));
    }
    let residual = 0;
    for (let i = 0; i < n; i++) residual += (y[i]! - 0.7 - truth.reduce((sum, w, j) => sum + w * x[3 * i + j]!, 0)) ** 2;
    expect(Math.abs(residual / n / 0.25 - 1)).toBeLessThan(5 * Math.sqrt(2 / n));
  });

  it("factors: the covariance has k large eigenvalues over a floor of 0.25, the same for both splits", () => {
    const rows = (split: "train" | "test"): Float32Array => makeBuiltinData("factors", [20_000, 3, 1], 2, split)[0]!.values as Float32Array;
    const covariance = (x: Float32Array): number[] => {
      const n = x.length / 3;
      const means = [0, 1, 2].map((j) => { let sum = 0; for (let i = 0; i < n; i++) sum += x[3 * i + j]!; return sum / n; });
      return [0, 1, 2].flatMap((a) => [0, 1, 2].map((b) => { let sum = 0; for (let i = 0; i < n; i++) sum += (x[3 * i + a]! - means[a]!) * (x[3 * i + b]! - means[b]!); return sum / n; }));
    };
    const c = covariance(rows("train"));
    // w wᵀ + 0.25 I: the trace is |w|² + 0.75 and the determinant 0.25² (|w|² + 0.25).
    const square = c[0]! + c[4]! + c[8]! - 0.75;
    const determinant = c[0]! * (c[4]! * c[8]! - c[5]! * c[7]!) - c[1]! * (c[3]! * c[8]! - c[5]! * c[6]!) + c[2]! * (c[3]! * c[7]! - c[4]! * c[6]!);
    expect(determinant / (0.0625 * (square + 0.25))).toBeCloseTo(1, 1);
    covariance(rows("test")).forEach((value, i) => expect(Math.abs(value - c[i]!)).toBeLessThan(0.1 * (1 + square)));
  });

  it("blobs: each cluster's mean is its documented centre (5 standard errors), neighbours at least 4 apart", () => {
    const [x, y] = makeBuiltinData("blobs", [8000, 8], 1);
    const radius = 2 / Math.sin(Math.PI / 8);
    for (let k = 0; k < 8; k++) {
      let [sum, count] = [0, 0];
      for (let i = 0; i < 8000; i++) if (y!.values[i] === k) { sum += x!.values[2 * i]!; count++; }
      expect(Math.abs(sum / count - radius * Math.cos((2 * Math.PI * k) / 8))).toBeLessThan((5 * 0.5) / Math.sqrt(count));
    }
    expect(2 * radius * Math.sin(Math.PI / 8)).toBeCloseTo(4, 10);
  });

  // Of a point at angle t the radius is t / 10 up to the noise of scale 0.05, and t is known from the point's angle up to whole turns: 3,000 points, below five deviations.
  it("spiral: points lie on their arm up to the noise, over all of its turns", () => {
    const [x] = makeBuiltinData("spiral", [3000], 1);
    const turns = Array.from({ length: 3000 }, (_, row) => {
      const [a, b] = [x!.values[2 * row]!, x!.values[2 * row + 1]!];
      const angle = Math.atan2(b, a);
      const turn = angle + 2 * Math.PI * Math.round((10 * Math.hypot(a, b) - angle) / (2 * Math.PI));
      expect(Math.abs(Math.hypot(a, b) - turn / 10)).toBeLessThan(0.25);
      return turn;
    });
    // Of a uniform on [3π/2, 9π/2]: mean 3π, deviation 3π / √12; four standard errors.
    const mean = turns.reduce((sum, turn) => sum + turn, 0) / turns.length;
    expect(Math.abs(mean - 3 * Math.PI)).toBeLessThan((4 * 3 * Math.PI) / Math.sqrt(12 * 3000));
  });

  it("moons: points lie on their half circle up to the noise", () => {
    const [x, y] = makeBuiltinData("moons", [2000], 1);
    let sum = 0;
    for (let i = 0; i < 2000; i++) {
      const [cx, cy] = y!.values[i] === 1 ? [1, 0.5] : [0, 0];
      sum += (Math.hypot(x!.values[2 * i]! - cx, x!.values[2 * i + 1]! - cy) - 1) ** 2;
    }
    expect(Math.sqrt(sum / 2000)).toBeGreaterThan(0.09);
    expect(Math.sqrt(sum / 2000)).toBeLessThan(0.11);
  });

  it("eight schools: the published table", () => {
    const data = makeBuiltinData("eight_schools", [], 9, "test");
    expect([...column(data, "y").values]).toEqual([28, 8, -3, 7, -1, 1, 18, 12]);
    expect([...column(data, "sigma").values]).toEqual([15, 10, 16, 11, 9, 11, 10, 18]);
  });

  it("radon: every county is there, sizes are very unequal, the floor's effect and the noise are the documented ones", () => {
    const data = makeBuiltinData("radon", [919], 1);
    const counties = new Array<number>(85).fill(0);
    for (const county of column(data, "county").values) counties[county]!++;
    expect(Math.min(...counties)).toBeGreaterThanOrEqual(1);
    expect(Math.max(...counties)).toBeGreaterThan(50);
    const many = makeBuiltinData("radon", [50_000], 1);
    const sums = Array.from({ length: 85 }, () => [0, 0, 0, 0]);
    for (let i = 0; i < 50_000; i++) {
      const cell = sums[column(many, "county").values[i]!]!;
      const floor = column(many, "floor").values[i]!;
      cell[floor]! += column(many, "y").values[i]!;
      cell[2 + floor]!++;
    }
    let [effect, weight] = [0, 0];
    for (const [basement = 0, ground = 0, n0 = 0, n1 = 0] of sums) {
      if (n0 === 0 || n1 === 0) continue;
      const w = 1 / (1 / n0 + 1 / n1);
      effect += w * (ground / n1 - basement / n0);
      weight += w;
    }
    expect(Math.abs(effect / weight + 0.69)).toBeLessThan((5 * 0.76) / Math.sqrt(weight));
  });
});

describe("calls", () => {
  it("are parsed with defaults, names and underscores", () => {
    expect(parseBuiltinCall("digits(8_192)")).toEqual({ name: "digits", args: [8192] });
    expect(parseBuiltinCall(" blobs( k = 3 ) ")).toEqual({ name: "blobs", args: [1000, 3] });
    expect(parseBuiltinCall("blobs(10, k=3)")).toEqual({ name: "blobs", args: [10, 3] });
    expect(parseBuiltinCall("eight_schools()")).toEqual({ name: "eight_schools", args: [] });
    expect(parseBuiltinCall("data.csv")).toBeUndefined();
  });

  it("are refused with what they should be", () => {
    expect(failure("LVM7040", () => parseBuiltinCall("digit(3)"))).toBe("there is no built-in data set digit; there are digits, moons, spiral, blobs, eight_schools, regression, factors, radon, robot_room, bouncing_ball, polyphonic, state_sequences, tracking\nhelp: did you mean digits?");
    expect(failure("LVM7040", () => parseBuiltinCall("toString()"))).toContain("no built-in data set toString");
    expect(failure("LVM7041", () => parseBuiltinCall("digits(0)"))).toBe("digits: n is 0; it must be a whole number from 1 to 1000000\nhelp: it is written digits(n = 8192)");
    expect(failure("LVM7041", () => parseBuiltinCall("digits(1, 2)"))).toContain("at most 1, not 2");
    expect(failure("LVM7041", () => parseBuiltinCall("digits(x)"))).toContain("n is NaN");
    expect(failure("LVM7041", () => parseBuiltinCall("digits(m = 2)"))).toContain("no parameter m");
    expect(failure("LVM7041", () => parseBuiltinCall("digits(1, n = 2)"))).toContain("given twice");
    expect(failure("LVM7041", () => parseBuiltinCall("eight_schools(1)"))).toContain("takes no arguments");
    expect(failure("LVM7041", () => checkBuiltinArguments("digits", [1.5]))).toContain("n is 1.5");
  });

  it("are refused where a column would be larger than what is read from files, before anything is made", () => {
    expect(failure("LVM7041", () => parseBuiltinCall("robot_room(1_000_000, 10_000)"))).toBe("robot_room: column x of n = 1,000,000, T = 10,000 would have 10,240,000,000,000 bytes; the limit is 4,294,967,296\nhelp: it is written robot_room(n = 1000, T = 20)");
    expect(failure("LVM7041", () => makeBuiltinData("tracking", [10_000_000, 100_000], 0))).toContain("column x of n = 10,000,000, T = 100,000");
    expect(failure("LVM7041", () => makeBuiltinData("factors", [10_000_000, 10_000, 1], 0))).toContain("would have 400,000,000,000 bytes");
    expect(checkBuiltinArguments("polyphonic", [12_000_000 / 1000, 1000])).toEqual([12_000, 1000]);
  });
});
