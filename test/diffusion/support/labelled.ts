/** A diffusion of points that is told a label, with a network of two layers. */
export const labelledText = `const T = 24
const alpha = cosine_schedule(T)

network denoise(x: real[2], t: positive, label: index(3)) -> (noise: real[2]) {
  noise = concat(x, reshape(t / T, 1), one_hot(label)) |> dense(16) |> tanh |> dense(2)
}

model labelled(x[0]: real[2], label: index(3)) {
  x[T] ~ Normal(0, 1)
  chain t in T..1 { x[t-1] ~ guide(x[t-1] | x[t], noise = denoise(x[t], t, label)) }
}
guide labelled { chain t in 1..T { x[t] ~ Normal(sqrt(alpha[t]) * x[t-1], variance = 1 - alpha[t]) } }
train labelled {
  maximize elbo(weight = simple)
  optimizer = adam(rate = 1e-2)
  batch = 16
  epochs = 4
}
`;

/** What a label stands for is all that the network says of the datum: then everything is known. */
export const centersText = `const T = 6
const alpha = cosine_schedule(T)
param centers: real[3, 2] = normal(0, 1)

model labelled(x[0]: real[2], label: index(3)) {
  x[T] ~ Normal(0, 1)
  chain t in T..1 { x[t-1] ~ guide(x[t-1] | x[t], x[0] = centers[label]) }
}
guide labelled { chain t in 1..T { x[t] ~ Normal(sqrt(alpha[t]) * x[t-1], variance = 1 - alpha[t]) } }
train labelled {
  maximize elbo(weight = simple)
  optimizer = adam(rate = 0.1)
  batch = 12
  epochs = 60
}
`;
