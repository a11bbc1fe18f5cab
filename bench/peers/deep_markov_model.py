"""Training steps of the deep Markov model of bench/models/deep_markov_model.lvm: 160 steps, batch 20, a backward GRU of 600, Adam.

usage: deep_markov_model.py jax|torch|torch-compiled FILE    FILE: bytes 0 and 1, 160 × 88 a row. See common.py for what it answers.

As somebody would write it who knows the framework: the GRU's input product and all that does not read the step before stand outside of the loop (jax.lax.scan).
"""
import sys

from common import DEVICE, images, jax_setup, lecun_weights, serve, shuffled, torch_setup

framework, path = sys.argv[1:3]
T, KEYS, LATENT, UNITS, BATCH = 160, 88, 100, 600, 20

if framework == "jax":
    import jax
    import jax.numpy as jnp
    import optax

    jax_setup(jax)
    data = images(path, (T, KEYS))
    source = shuffled(len(data), BATCH)
    lecun = jax.nn.initializers.lecun_uniform
    sizes = {
        "g1": (LATENT, 200), "g2": (200, LATENT), "p1": (LATENT, 200), "p2": (200, LATENT), "linear": (LATENT, LATENT), "ts": (LATENT, LATENT),
        "n1": (LATENT, 100), "n2": (100, 100), "n3": (100, KEYS), "input": (KEYS, 3 * UNITS), "c": (LATENT, UNITS), "cm": (UNITS, LATENT), "cs": (UNITS, LATENT),
    }
    optimizer = optax.adam(8e-4)

    def initial(seed):
        keys = jax.random.split(jax.random.key(seed), len(sizes) + 2)
        params = {name: {"w": lecun()(key, size), "b": jnp.zeros(size[1])} for (name, size), key in zip(sizes.items(), keys)}
        params["recurrent"] = {"w": lecun()(keys[-2], (UNITS, 3 * UNITS)), "b": jnp.zeros(UNITS)}
        return params, optimizer.init(params), keys[-1]

    def loss(p, x, key):
        dense = lambda name, v: v @ p[name]["w"] + p[name]["b"]
        x = jnp.swapaxes(x, 0, 1)
        projected = dense("input", x)

        def gru(h, px):
            ph = h @ p["recurrent"]["w"]
            xr, xu, xn = jnp.split(px, 3, -1)
            hr, hu, hn = jnp.split(ph, 3, -1)
            r, u = jax.nn.sigmoid(xr + hr), jax.nn.sigmoid(xu + hu)
            n = jnp.tanh(xn + r * (hn + p["recurrent"]["b"]))
            h = n + u * (h - n)
            return h, h

        _, b = jax.lax.scan(gru, jnp.zeros((BATCH, UNITS)), projected, reverse=True)
        k0, k1 = jax.random.split(key)
        z0 = jax.random.normal(k0, (BATCH, LATENT))

        def draw(z, inputs):
            b_t, noise = inputs
            h = 0.5 * (jnp.tanh(dense("c", z)) + b_t)
            mean, scale = dense("cm", h), jax.nn.softplus(dense("cs", h))
            z = mean + scale * noise
            return z, (z, mean, scale)

        _, (z, mean, scale) = jax.lax.scan(draw, z0, (b, jax.random.normal(k1, (T, BATCH, LATENT))))
        before = jnp.concatenate([z0[None], z[:-1]])
        gate = jax.nn.sigmoid(dense("g2", jax.nn.relu(dense("g1", before))))
        proposal = dense("p2", jax.nn.relu(dense("p1", before)))
        pm = (1 - gate) * dense("linear", before) + gate * proposal
        ps = jax.nn.softplus(dense("ts", jax.nn.relu(proposal)))
        kl = jnp.sum(jnp.log(ps / scale) + (scale**2 + (mean - pm) ** 2) / (2 * ps**2) - 0.5, axis=(0, 2))
        logits = dense("n3", jax.nn.relu(dense("n2", jax.nn.relu(dense("n1", z)))))
        return -jnp.mean(jnp.sum(x * logits - jax.nn.softplus(logits), axis=(0, 2)) - kl)

    def train(state, rows, indices):
        p, o, key = state
        key, noise = jax.random.split(key)
        value, gradient = jax.value_and_grad(loss)(p, rows[indices].astype(jnp.float32), noise)
        updates, o = optimizer.update(gradient, o)
        return (optax.apply_updates(p, updates), o, key), value

    train_step = jax.jit(train, donate_argnums=0)
    on_device = jnp.asarray(data)
    state = initial(0)

    def step():
        global state
        state, value = train_step(state, on_device, next(source))
        return value

    serve(f"jax {jax.__version__}", step, lambda: jax.block_until_ready(state), warm_up=3)
else:
    import torch
    from torch import nn
    from torch.nn import functional as F

    finish = torch_setup(torch)
    data = images(path, (T, KEYS))
    source = shuffled(len(data), BATCH)

    class Dmm(nn.Module):
        def __init__(self):
            super().__init__()
            self.gate = nn.Sequential(nn.Linear(LATENT, 200), nn.ReLU(), nn.Linear(200, LATENT), nn.Sigmoid())
            self.proposal = nn.Sequential(nn.Linear(LATENT, 200), nn.ReLU(), nn.Linear(200, LATENT))
            self.linear, self.scale = nn.Linear(LATENT, LATENT), nn.Linear(LATENT, LATENT)
            self.notes = nn.Sequential(nn.Linear(LATENT, 100), nn.ReLU(), nn.Linear(100, 100), nn.ReLU(), nn.Linear(100, KEYS))
            self.future = nn.GRU(KEYS, UNITS)
            self.c, self.cm, self.cs = nn.Linear(LATENT, UNITS), nn.Linear(UNITS, LATENT), nn.Linear(UNITS, LATENT)

        def forward(self, x):
            x = x.float().transpose(0, 1)
            b = self.future(x.flip(0))[0].flip(0)
            noise = torch.randn(T, BATCH, LATENT)
            z0 = torch.randn(BATCH, LATENT)
            z, states = z0, []
            for t in range(T):
                h = 0.5 * (torch.tanh(self.c(z)) + b[t])
                mean, scale = self.cm(h), F.softplus(self.cs(h))
                z = mean + scale * noise[t]
                states.append((z, mean, scale))
            z, mean, scale = (torch.stack(parts) for parts in zip(*states))
            before = torch.cat([z0[None], z[:-1]])
            gate, proposal = self.gate(before), self.proposal(before)
            pm = (1 - gate) * self.linear(before) + gate * proposal
            ps = F.softplus(self.scale(F.relu(proposal)))
            kl = (torch.log(ps / scale) + (scale**2 + (mean - pm) ** 2) / (2 * ps**2) - 0.5).sum((0, 2))
            cross_entropy = F.binary_cross_entropy_with_logits(self.notes(z), x, reduction="none").sum((0, 2))
            return (cross_entropy + kl).mean()

    torch.manual_seed(0)
    rows = torch.from_numpy(data).to(DEVICE)
    model = lecun_weights(Dmm()).to(DEVICE)
    optimizer = torch.optim.Adam(model.parameters(), lr=8e-4, fused=True)
    run = torch.compile(model) if framework == "torch-compiled" else model

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = run(rows[torch.from_numpy(next(source)).to(DEVICE)])
        loss.backward()
        optimizer.step()
        return loss.detach()

    serve(f"torch {torch.__version__}", step, finish, warm_up=3)
