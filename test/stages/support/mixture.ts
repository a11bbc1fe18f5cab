/** Two Gaussian classes in the plane, of equal weight: x_0 | y ~ Normal(centers[y], v), so x_t | y ~ Normal(s centers[y], s² v + σ²), and everything about them is known. */
export const mixture = { centers: [[1.5, -0.5], [-1, 1]], variance: 0.3 } as const;

const schedule = (t: string): string => `exp(-5 * (${t}) * (${t}) / (T * T))`;
const centers = `[[${mixture.centers[0].join(", ")}], [${mixture.centers[1].join(", ")}]]`;

/** s, σ² and the variance of each class at step t, as bindings. */
const moments = `s = sqrt(${schedule("t")})
    d = 1 - s * s
    m = s * s * V + d`;

/** log odds of the first class at a state: half the difference of the squared distances over the variance. */
const odds = (x: string): string => `(sum(square(${x} - s * C[2])) - sum(square(${x} - s * C[1]))) / (2 * m)`;

/** A diffusion of the mixture with the optimal denoiser: of all points, or of those of the class that it is told. */
export function mixtureText(steps: number, told: boolean, prediction: "x[0]" | "noise" = "x[0]"): string {
  const kept = `${schedule("t")} / (${schedule("t - 1")})`;
  const posterior = (center: string): string => `(${center} + s * V / m * (x[t] - s * ${center}))`;
  const datum = told ? posterior("C[y]") : `(${posterior("C[1]")} * sigmoid(odds) + ${posterior("C[2]")} * (1 - sigmoid(odds)))`;
  return `const T = ${steps}
const V = ${mixture.variance}
const C = ${centers}
model points(x[0]: real[2]${told ? ", y: index(2)" : ""}) {
  x[T] ~ Normal(0, 1)
  chain t in T..1 {
    ${moments}${told ? "" : `\n    odds = ${odds("x[t]")}`}
    datum = ${datum}
    x[t-1] ~ guide(x[t-1] | x[t], ${prediction} = ${prediction === "x[0]" ? "datum" : "(x[t] - s * datum) / sqrt(d)"})
  }
}
guide points {
  chain t in 1..T {
    x[t] ~ Normal(sqrt(${kept}) * x[t-1], variance = 1 - ${kept})
  }
}
`;
}

/** The class given a state, exactly. */
export const classifierText = `model side(x: real[2], t: positive, y: index(2)) {
    ${moments}
    odds = ${odds("x")}
    y ~ Categorical(logits = concat(reshape(odds, 1), zeros[1]))
}
train side on points.x {
  maximize likelihood
}
`;
