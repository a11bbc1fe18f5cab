// Computes the polynomial coefficients of src/ir/kernel/functions/coefficients.ts: `npm run build && node scripts/minimax.mjs`.
//
// Each is the polynomial P of a degree for which max |weight(x) (P(x) − f(x))| over an interval is least, found in float64. Coefficients are rounded to float32 one after the other, lowest power first, and the rest is fitted again around those that are
// already fixed, so that rounding costs next to nothing.
import { writeFileSync } from "node:fs";
import { digamma } from "../dist/util/math/digamma.js";
import { erf, erfc, erfcx } from "../dist/util/math/erf.js";
import { lgamma, lgammaOfOnePlus } from "../dist/util/math/lgamma.js";
import { normalQuantile } from "../dist/util/math/normal.js";
import { stirlingError } from "../dist/util/math/stirling-error.js";

/** Least squares over the columns by Gram and Schmidt, twice for the sake of orthogonality. */
function leastSquares(columns, target) {
  const dot = (x, y) => { let sum = 0; for (let i = 0; i < x.length; i++) sum += x[i] * y[i]; return sum; };
  const n = columns.length;
  const q = columns.map((c) => Float64Array.from(c));
  const r = columns.map(() => new Float64Array(n));
  for (let k = 0; k < n; k++) {
    for (let pass = 0; pass < 2; pass++) {
      for (let j = 0; j < k; j++) {
        const along = dot(q[j], q[k]);
        r[j][k] += along;
        for (let i = 0; i < q[k].length; i++) q[k][i] -= along * q[j][i];
      }
    }
    r[k][k] = Math.sqrt(dot(q[k], q[k]));
    for (let i = 0; i < q[k].length; i++) q[k][i] /= r[k][k];
  }
  const x = q.map((column) => dot(column, target));
  for (let k = n - 1; k >= 0; k--) {
    for (let j = k + 1; j < n; j++) x[k] -= r[k][j] * x[j];
    x[k] /= r[k][k];
  }
  return x;
}

/**
 * The fit of f by the powers `powers` whose largest weighted error is least, by Lawson's iteration (1961): least squares, the weight of a
 * point multiplied by its error each turn. Unlike an exchange it needs no alternation, which the powers without the fixed ones lack.
 */
function minimax({ of, weight, low, high }, powers) {
  const points = 1200;
  const scale = Math.max(Math.abs(low), Math.abs(high));
  const grid = Float64Array.from({ length: points }, (_, i) => (low + high) / 2 - ((high - low) / 2) * Math.cos((Math.PI * (i + 0.5)) / points));
  const target = grid.map(of);
  const weights = grid.map(weight);
  const columns = powers.map((p) => grid.map((x) => (x / scale) ** p));
  let lawson = grid.map(() => 1);
  let best = { error: Infinity, coefficients: [] };
  for (let turn = 0; turn < 60; turn++) {
    const factor = weights.map((w, i) => w * Math.sqrt(lawson[i]));
    const coefficients = leastSquares(columns.map((c) => c.map((v, i) => v * factor[i])), target.map((v, i) => v * factor[i]));
    const error = grid.map((_, i) => Math.abs(weights[i] * (coefficients.reduce((sum, c, j) => sum + c * columns[j][i], 0) - target[i])));
    const largest = error.reduce((a, b) => Math.max(a, b));
    if (largest < best.error) best = { error: largest, coefficients: coefficients.map((c, j) => c / scale ** powers[j]) };
    lawson = lawson.map((w, i) => w * (error[i] / largest + 1e-3));
    const total = lawson.reduce((a, b) => a + b) / points;
    lawson = lawson.map((w) => w / total + 1e-12);
  }
  return best;
}

/** `exact` are the lowest coefficients where they are known. */
function fit(name, options) {
  const { degree, exact = [] } = options;
  const fixed = [...exact];
  let result;
  for (;;) {
    const powers = Array.from({ length: degree + 1 - fixed.length }, (_, i) => i + fixed.length);
    if (powers.length === 0) break;
    const rest = (x) => options.of(x) - fixed.reduce((sum, c, i) => sum + c * x ** i, 0);
    result = minimax({ ...options, of: rest }, powers);
    fixed.push(Math.fround(result.coefficients[0]));
  }
  const check = Float64Array.from({ length: 9973 }, (_, i) => options.low + ((options.high - options.low) * (i + 0.5)) / 9973);
  let error = 0;
  for (const x of check) error = Math.max(error, Math.abs(options.weight(x) * (fixed.reduceRight((sum, c) => sum * x + c, 0) - options.of(x))));
  console.log(`${name.padEnd(24)} degree ${String(degree).padStart(2)}  error ${error.toExponential(1)} = 2^${Math.log2(error).toFixed(1)}`);
  return { name, error, degree, ...options, coefficients: fixed };
}

const one = () => 1;
const relative = (of) => (x) => 1 / Math.abs(of(x));
/** Σ c(n) x^n from n = 0 on: for what cancels in closed form. */
const series = (c) => (x) => {
  let sum = 0;
  for (let n = 40; n >= 0; n--) sum = sum * x + c(n);
  return sum;
};
const factorial = (n) => (n <= 1 ? 1 : n * factorial(n - 1));
const halfLogTwo = Math.LN2 / 2;

const expTail = series((n) => 1 / factorial(n + 2));
const atanhTail = (y) => (Math.abs(y) < 1e-3 ? series((n) => 1 / (2 * n + 3))(y) : (Math.atanh(Math.sqrt(y)) / Math.sqrt(y) - 1) / y);
const logTail = (f) => (Math.abs(f) < 0.02 ? series((n) => (n % 2 === 0 ? 1 : -1) / (n + 3))(f) : (Math.log1p(f) - f + (f * f) / 2) / f ** 3);
const sinTail = series((n) => ((n % 2 === 0 ? -1 : 1) / factorial(2 * n + 3)));
const cosTail = series((n) => ((n % 2 === 0 ? 1 : -1) / factorial(2 * n + 4)));
const tanTail = (y) => { const x = Math.sqrt(y); return y < 1e-3 ? 1 / 3 + (2 / 15) * y + (17 / 315) * y * y : (Math.tan(x) / x - 1) / y; };
const atanTail = (y) => { const x = Math.sqrt(y); return y < 1e-3 ? -1 / 3 + y / 5 - (y * y) / 7 : (Math.atan(x) / x - 1) / y; };
const erfRatio = (y) => (y < 1e-8 ? 1.1283791670955126 * (1 - y / 3) : erf(Math.sqrt(y)) / Math.sqrt(y));
const lgammaRatio = (d) => { const y = 1.5 + d; const z = y - 1; const w = y - 2; const value = Math.abs(w) < 0.5 ? lgammaAtTwo(w) : lgammaOfOnePlus(z); return value / (z * w); };
// Near 1 and 2 the quotient is a ratio of tiny numbers, each with full relative accuracy.
function lgammaAtTwo(w) { return lgammaOfOnePlus(w) + Math.log1p(w); }
const root = 1.4616321449683623413;
const erfinvOf = (w) => {
  // x / y with y = erf x, w = −log(1 − y²)
  if (w < 1e-7) return 0.886226925452758;
  const y = Math.sqrt(-Math.expm1(-w));
  return (w < 1 ? erfInverse64(y) : -normalQuantile(oneMinus(w) / 2) * Math.SQRT1_2) / y;
};
/** 1 − y from w = −log((1 − y)(1 + y)). */
function oneMinus(w) { const t = Math.exp(-w); return t / (1 + Math.sqrt(1 - t)); }
function erfInverse64(y) { let x = y * 0.886226925452758; for (let i = 0; i < 60; i++) { const step = (erf(x) - y) / (1.1283791670955126 * Math.exp(-x * x)); x -= step; if (Math.abs(step) < 1e-16 * x) break; } return x; }

const all = [
  fit("expTail", { text: "(eʳ − 1 − r) / r² for |r| ≤ ½ log 2", of: expTail, weight: (r) => r * r / Math.exp(r), low: -halfLogTwo * 1.01, high: halfLogTwo * 1.01, degree: 4 }),
  fit("expm1Tail", { text: "the same, relative to eʳ − 1", of: expTail, weight: (r) => Math.abs(r) + 1e-3, low: -halfLogTwo * 1.01, high: halfLogTwo * 1.01, degree: 4 }),
  fit("exp2", { text: "2ᶠ for |f| ≤ ½", of: (f) => 2 ** f, weight: (f) => 2 ** -f, low: -0.51, high: 0.51, degree: 6, exact: [1] }),
  fit("logTail", { text: "(log(1 + f) − f + f²/2) / f³ for √½ − 1 ≤ f ≤ √2 − 1", of: logTail, weight: (f) => f * f + 1e-4, low: Math.SQRT1_2 - 1.001, high: Math.SQRT2 - 0.999, degree: 7 }),
  fit("atanhTail", { text: "(atanh v / v − 1) / v² in v² for |v| ≤ ⅓", of: atanhTail, weight: (y) => y + 1e-4, low: 0, high: 1 / 9, degree: 3 }),
  fit("atanhTailWide", { text: "the same for |v| ≤ 0.52", of: atanhTail, weight: (y) => y + 0.01, low: 0, high: 0.272, degree: 6 }),
  fit("logTwoTail", { text: "the same for |s| ≤ (√2 − 1)/(√2 + 1)", of: (y) => atanhTail(Math.max(y, 0)), weight: (y) => y + 1e-5, low: 0, high: 0.0296, degree: 3 }),
  fit("sinTail", { text: "(sin r / r − 1) / r² in r² for |r| ≤ π/4", of: sinTail, weight: (y) => y + 1e-4, low: 0, high: 0.62, degree: 2 }),
  fit("cosTail", { text: "(cos r − 1 + r²/2) / r⁴ in r²", of: cosTail, weight: (y) => y * y + 1e-4, low: 0, high: 0.62, degree: 2 }),
  fit("tanTail", { text: "(tan r / r − 1) / r² in r²", of: tanTail, weight: (y) => y + 1e-4, low: 0, high: 0.62, degree: 5 }),
  fit("atanTail", { text: "(atan t / t − 1) / t² in t² for 0 ≤ t ≤ 1", of: atanTail, weight: (y) => y + 1e-4, low: 0, high: 1, degree: 8 }),
  fit("erfSmall", { text: "erf x / x − 1 in x² for |x| ≤ 1", of: (y) => erfRatio(y) - 1, weight: relative(erfRatio), low: 0, high: 1, degree: 6 }),
  fit("logErfc", { text: "log erfc x in x − 2 for 0.9 ≤ x ≤ 4", of: (d) => Math.log(erfc(d + 2)), weight: (d) => erfc(d + 2), low: -1.1, high: 2, degree: 7 }),
  fit("millsRatio", { text: "½ erfcx(a/√2) (1 + a) in u = (a − 3)/(a + 3), a ≥ 0", of: (u) => { const a = u >= 1 ? Infinity : (3 * (1 + u)) / (1 - u); return a > 1e8 ? 0.3989422804014327 : 0.5 * erfcx(a * Math.SQRT1_2) * (1 + a); }, weight: (u) => { return 2; }, low: -1, high: 1, degree: 11 }),
  fit("erfInverseCentre", { text: "erf⁻¹ y / y in w − 3, w = −log(1 − y²) ≤ 6", of: (d) => erfinvOf(d + 3), weight: (d) => 1 / erfinvOf(d + 3), low: -3, high: 3, degree: 10 }),
  fit("erfInverseTail", { text: "the same in √w − 3.5 for 6 ≤ w ≤ 20", of: (d) => erfinvOf((d + 3.5) ** 2), weight: (d) => 1 / erfinvOf((d + 3.5) ** 2), low: -1.06, high: 1, degree: 10 }),
  fit("normalCentre", { text: "√8 times the first: x / (Φ(x) − ½) in w − 3", of: (d) => Math.sqrt(8) * erfinvOf(d + 3), weight: (d) => 1 / Math.sqrt(8) / erfinvOf(d + 3), low: -3, high: 3, degree: 10 }),
  fit("normalTail", { text: "the same in √w − 3.5", of: (d) => Math.sqrt(8) * erfinvOf((d + 3.5) ** 2), weight: (d) => 1 / Math.sqrt(8) / erfinvOf((d + 3.5) ** 2), low: -1.06, high: 1, degree: 10 }),
  fit("normalFar", { text: "the same in √w − 7 for 20 ≤ w ≤ 104", of: (d) => Math.sqrt(8) * erfinvOf((d + 7) ** 2), weight: (d) => 1 / Math.sqrt(8) / erfinvOf((d + 7) ** 2), low: -2.55, high: 3.21, degree: 8 }),
  fit("lgammaCentre", { text: "log Γ(y) / ((y − 1)(y − 2)) in y − 1.5 for 0.7 ≤ y ≤ 2.5", of: lgammaRatio, weight: relative(lgammaRatio), low: -0.801, high: 1.001, degree: 14 }),
  fit("digammaCentre", { text: "ψ(y) / (y − 1.4616…) in y − 1.75 for 0.75 ≤ y ≤ 3", of: (d) => digamma(d + 1.75) / (d + 1.75 - root), weight: (d) => Math.abs((d + 1.75 - root) / digamma(d + 1.75)), low: -1.001, high: 1.251, degree: 14 }),
  fit("stirlingWide", { text: "x δ(x) in 1/x for x ≥ 1", of: (v) => (v < 1e-6 ? 1 / 12 : stirlingError(1 / v) / v), weight: (v) => 12, low: 0, high: 1.001, degree: 9 }),
  fit("stirlingLow", { text: "δ(x) in log x for 1/16 ≤ x ≤ 1", of: (w) => stirlingError(Math.exp(w)), weight: (w) => 1 / stirlingError(Math.exp(w)), low: -2.78, high: 0.001, degree: 10 }),
  fit("stirlingNearZero", { text: "log Γ(1 + x) + x − ½ log 2π for 0 ≤ x ≤ 1/16", of: (x) => lgammaOfOnePlus(x) + x - 0.9189385332046728, weight: one, low: 0, high: 0.063, degree: 4 }),
];
if (process.argv[2] !== "--dry") {
const lines = [
  "// Made by scripts/minimax.mjs: float32 numbers, lowest power first.",
  ...all.flatMap(({ name, text, error, coefficients }) => [
    "", `/** ${text}; error 2^${Math.log2(error).toFixed(1)}. */`,
    `export const ${name}: readonly number[] = [`, ...coefficients.map((c) => `  ${c},`), "];",
  ]),
];
writeFileSync(new URL("../src/ir/kernel/functions/coefficients.ts", import.meta.url), `${lines.join("\n")}\n`);
}
