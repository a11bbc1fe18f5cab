/** A model for the robot room that is compiled and trained in a moment. */
export const smallRobot = `
const T = 5
network move(z: real[4], a: real[2]) -> (mean: real[4]) { mean = z + (concat(z, a) |> dense(4)) }
network decode(z: real[4]) -> (logits: real[1024]) { logits = z |> dense(1024) }
network reward(z: real[4]) -> (mean: real) { mean = z |> dense(1) |> sum }
network memory(h: real[6], x: binary[1024], a: real[2]) -> (next: real[6]) { next = gru(h, concat(x |> dense(5) |> relu, a)) }
network head(h: real[6]) -> (mean: real[4], scale: positive[4]) {
  mean = h |> dense(4)
  scale = h |> dense(4) |> softplus
}
model robot(x: binary[T, 1024], r: real[T], a: real[T, 2]) {
  z[1]: real[4] ~ Normal(0, 1)
  chain t in 2..T { z[t] ~ Normal(move(z[t - 1], a[t - 1]), 0.2) }
  each t in 1..T {
    x[t] ~ Bernoulli(logits = decode(z[t]))
    r[t] ~ Normal(reward(z[t]), 0.1)
  }
}
guide robot {
  h[0] = zeros[6]
  chain t in 1..T {
    h[t] = memory(h[t - 1], x[t], a[t - 1])
    q = head(h[t])
    z[t] ~ Normal(q.mean, q.scale)
  }
}
train robot {
  maximize elbo
  data = robot_room(40, T)
  batch = 10
  epochs = 2
}
`;
