"""One training step of the VAE 784-400-20 (batch 128, Adam, fresh binarization) in JAX (jit) or PyTorch (eager, compiled).

usage: peers.py jax|torch|torch-compiled ROUNDS STEPS      prints a JSON list of milliseconds per step, one for each round.
Rows are bytes on the host, gathered in a shuffled order for each step: the whole training loop, as a user writes it.
"""
import json
import sys
import time

import numpy as np

framework, rounds, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
ROWS, SIZE, BATCH, HIDDEN, LATENT = 8192, 784, 128, 400, 20
generator = np.random.default_rng(0)
data = generator.integers(0, 256, (ROWS, SIZE), dtype=np.uint8)


def batches():
    while True:
        order = generator.permutation(ROWS)
        for at in range(0, ROWS - BATCH + 1, BATCH):
            yield data[order[at : at + BATCH]]


def measure(step, finish):
    source = batches()
    times = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        for _ in range(steps):
            step(next(source))
        finish()
        times.append((time.perf_counter() - start) * 1000 / steps)
    print(json.dumps(times[1:]))


if framework == "jax":
    import jax
    import jax.numpy as jnp
    import optax

    def dense(key, i, o):
        return {"w": jax.random.uniform(key, (i, o), minval=-(3 / i) ** 0.5, maxval=(3 / i) ** 0.5), "b": jnp.zeros(o)}

    sizes = {"h": (SIZE, HIDDEN), "mean": (HIDDEN, LATENT), "scale": (HIDDEN, LATENT), "d": (LATENT, HIDDEN), "logits": (HIDDEN, SIZE)}
    params = {name: dense(key, *size) for (name, size), key in zip(sizes.items(), jax.random.split(jax.random.key(0), len(sizes)))}
    optimizer = optax.adam(1e-3)

    def loss(p, x, key):
        apply = lambda name, v: v @ p[name]["w"] + p[name]["b"]
        h = jax.nn.relu(apply("h", x))
        mean, scale = apply("mean", h), jax.nn.softplus(apply("scale", h))
        z = mean + scale * jax.random.normal(key, mean.shape)
        logits = apply("logits", jax.nn.relu(apply("d", z)))
        reconstruction = jnp.sum(x * logits - jax.nn.softplus(logits), axis=1)
        kl = jnp.sum(0.5 * (mean**2 + scale**2 - 1) - jnp.log(scale), axis=1)
        return -jnp.mean(reconstruction - kl)

    @jax.jit
    def train(state, rows):
        p, o, key = state
        key, coins, noise = jax.random.split(key, 3)
        x = (jax.random.uniform(coins, rows.shape) < rows.astype(jnp.float32) / 255).astype(jnp.float32)
        value, gradient = jax.value_and_grad(loss)(p, x, noise)
        updates, o = optimizer.update(gradient, o)
        return (optax.apply_updates(p, updates), o, key), value

    state = (params, optimizer.init(params), jax.random.key(1))

    def step(rows):
        global state
        state, _ = train(state, rows)

    measure(step, lambda: jax.block_until_ready(state))
else:
    import torch
    from torch import nn
    from torch.nn import functional as F

    class Vae(nn.Module):
        def __init__(self):
            super().__init__()
            self.h, self.mean, self.scale = nn.Linear(SIZE, HIDDEN), nn.Linear(HIDDEN, LATENT), nn.Linear(HIDDEN, LATENT)
            self.d, self.logits = nn.Linear(LATENT, HIDDEN), nn.Linear(HIDDEN, SIZE)

        def forward(self, rows):
            grey = rows.float() / 255
            x = (torch.rand_like(grey) < grey).float()
            h = F.relu(self.h(x))
            mean, scale = self.mean(h), F.softplus(self.scale(h))
            z = mean + scale * torch.randn_like(mean)
            logits = self.logits(F.relu(self.d(z)))
            reconstruction = (x * logits - F.softplus(logits)).sum(1)
            kl = (0.5 * (mean**2 + scale**2 - 1) - torch.log(scale)).sum(1)
            return -(reconstruction - kl).mean()

    model = Vae()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    run = torch.compile(model) if framework == "torch-compiled" else model

    def step(rows):
        optimizer.zero_grad(set_to_none=True)
        run(torch.from_numpy(rows)).backward()
        optimizer.step()

    measure(step, lambda: None)
