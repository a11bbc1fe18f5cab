import { createStream, rowStream } from "../random/index.js";
import { column, dataKeys, type BuiltinData } from "./builtin.js";

/** The eight schools. */
export const eightSchools: BuiltinData = {
  doc: "Effects of coaching on test scores in eight schools with their standard errors (Rubin 1981, table 1). Both splits are these eight rows.",
  parameters: [],
  columns: () => [{ name: "y", support: { kind: "real" }, shape: [] }, { name: "sigma", support: { kind: "positive" }, shape: [] }],
  make: () => [
    column("y", 8, [], Float32Array.of(28, 8, -3, 7, -1, 1, 18, 12), "eight_schools()"),
    column("sigma", 8, [], Float32Array.of(15, 10, 16, 11, 9, 11, 10, 18), "eight_schools()"),
  ],
};

/** Houses in counties. */
export const radon: BuiltinData = {
  doc: "Simulated, with the structure of the Minnesota radon survey (Gelman & Hill 2007, chapter 12): n houses in 85 counties of very unequal sizes, y = level[county] - 0.69 floor + 0.76 ε with level ~ Normal(1.46, 0.33), one house in six measured on the ground floor. The first 85 rows visit each county once; levels and sizes are the seed's, the same for both splits.",
  parameters: [{ name: "n", default: 919, min: 1, max: 10_000_000 }],
  columns: () => [
    { name: "county", support: { kind: "index", size: counties }, shape: [] },
    { name: "floor", support: { kind: "binary" }, shape: [] },
    { name: "y", support: { kind: "real" }, shape: [] },
  ],
  make([n = 919], seed, split) {
    const { world, rows } = dataKeys(seed, 5, split);
    const truth = createStream(world);
    const levels = Float64Array.from({ length: counties }, () => 1.46 + 0.33 * truth.normal());
    // In the survey the largest county has 116 houses of 919 and a quarter of them have 3 or fewer: about log-normal with scale 1.2.
    const sizes = Float64Array.from({ length: counties }, () => Math.exp(1.2 * truth.normal()));
    const county = new Int32Array(n);
    const floor = new Int32Array(n);
    const y = new Float32Array(n);
    for (let row = 0; row < n; row++) {
      const random = rowStream(rows, row);
      county[row] = row < counties ? row : random.categorical(sizes);
      floor[row] = random.uniform() < 1 / 6 ? 1 : 0;
      y[row] = levels[county[row]!]! - 0.69 * floor[row]! + 0.76 * random.normal();
    }
    const origin = `radon(${n})`;
    return [column("county", n, [], county, origin), column("floor", n, [], floor, origin), column("y", n, [], y, origin)];
  },
};

const counties = 85;
