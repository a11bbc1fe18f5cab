/** A diffusion of bytes whose variance is learnt, with a network of two layers, trained by the hybrid bound or by the bound. */
export const bytesText = (weight: string): string => `const T = 16
const alpha = cosine_schedule(T)

network denoise(x: real[3], t: positive) -> (datum: real[3], mix: unit[3]) {
  h = concat(x, reshape(t / T, 1)) |> dense(16) |> tanh
  datum = h |> dense(3) |> tanh
  mix = h |> dense(3) |> sigmoid
}

model bytes(x[0]: byte[3]) {
  x[T] ~ Normal(0, 1)
  chain t in T..1 {
    said = denoise(x[t], t)
    x[t-1] ~ guide(x[t-1] | x[t], x[0] = said.datum, variance = said.mix)
  }
}
guide bytes { chain t in 1..T { x[t] ~ Normal(sqrt(alpha[t]) * x[t-1], variance = 1 - alpha[t]) } }
train bytes {
  maximize elbo(weight = ${weight})
  optimizer = adam(rate = 1e-2)
  batch = 16
  epochs = 4
}
`;
