"""Training steps of the convolutional VAE (models/conv_vae.lvm: 32 and 64 channels, kernels of 4, strides of 2, 16 latents; batch 64, Adam, pixels binarized afresh).

usage: conv_vae.py jax|torch|torch-channels-last|torch-compiled|torch-compiled-channels-last FILE    FILE: bytes, 784 an image. See common.py for what it answers.
"""
import sys

from common import DEVICE, images, jax_setup, lecun_weights, serve, shuffled, torch_setup

framework, path = sys.argv[1:3]
BATCH, LATENT = 64, 16

if framework == "jax":
    import jax
    import jax.numpy as jnp
    import optax

    jax_setup(jax)
    data = images(path, (28, 28, 1))
    source = shuffled(len(data), BATCH)
    lecun = jax.nn.initializers.lecun_uniform
    shapes = {"c1": (4, 4, 1, 32), "c2": (4, 4, 32, 64), "mean": (7 * 7 * 64, LATENT), "scale": (7 * 7 * 64, LATENT), "d": (LATENT, 7 * 7 * 64), "t1": (4, 4, 64, 32), "t2": (4, 4, 32, 1)}
    layouts = ("NHWC", "HWIO", "NHWC")

    def initial(seed):
        keys = jax.random.split(jax.random.key(seed), len(shapes) + 1)
        params = {name: {"w": lecun()(key, shape), "b": jnp.zeros(shape[-1])} for (name, shape), key in zip(shapes.items(), keys)}
        return params, optimizer.init(params), keys[-1]

    optimizer = optax.adam(1e-3)

    def loss(p, x, key):
        dense = lambda name, v: v @ p[name]["w"] + p[name]["b"]
        conv = lambda name, v: jax.lax.conv_general_dilated(v, p[name]["w"], (2, 2), "SAME", dimension_numbers=layouts) + p[name]["b"]
        transposed = lambda name, v: jax.lax.conv_transpose(v, p[name]["w"], (2, 2), "SAME", dimension_numbers=layouts) + p[name]["b"]
        h = jax.nn.relu(conv("c2", jax.nn.relu(conv("c1", x)))).reshape(BATCH, -1)
        mean, scale = dense("mean", h), jax.nn.softplus(dense("scale", h))
        z = mean + scale * jax.random.normal(key, mean.shape)
        v = jax.nn.relu(dense("d", z)).reshape(BATCH, 7, 7, 64)
        logits = transposed("t2", jax.nn.relu(transposed("t1", v)))
        reconstruction = jnp.sum(x * logits - jax.nn.softplus(logits), axis=(1, 2, 3))
        kl = jnp.sum(0.5 * (mean**2 + scale**2 - 1) - jnp.log(scale), axis=1)
        return -jnp.mean(reconstruction - kl)

    def train(state, rows, indices):
        p, o, key = state
        key, coins, noise = jax.random.split(key, 3)
        grey = rows[indices].astype(jnp.float32) / 255
        x = (jax.random.uniform(coins, grey.shape) < grey).astype(jnp.float32)
        value, gradient = jax.value_and_grad(loss)(p, x, noise)
        updates, o = optimizer.update(gradient, o)
        return (optax.apply_updates(p, updates), o, key), value

    train_step = jax.jit(train, donate_argnums=0)
    on_device = jnp.asarray(data)
    state = initial(0)

    def step():
        global state
        state, value = train_step(state, on_device, next(source))
        return value

    serve(f"jax {jax.__version__}", step, lambda: jax.block_until_ready(state))
else:
    import torch
    from torch import nn
    from torch.nn import functional as F

    finish = torch_setup(torch)
    data = images(path, (1, 28, 28))
    source = shuffled(len(data), BATCH)
    layout = torch.channels_last if framework.endswith("channels-last") else torch.contiguous_format

    class Vae(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.Sequential(nn.Conv2d(1, 32, 4, 2, 1), nn.ReLU(), nn.Conv2d(32, 64, 4, 2, 1), nn.ReLU(), nn.Flatten())
            self.mean, self.scale = nn.Linear(7 * 7 * 64, LATENT), nn.Linear(7 * 7 * 64, LATENT)
            self.decoder = nn.Sequential(nn.Linear(LATENT, 7 * 7 * 64), nn.ReLU(), nn.Unflatten(1, (64, 7, 7)), nn.ConvTranspose2d(64, 32, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(32, 1, 4, 2, 1))

        def forward(self, rows):
            grey = rows.float() / 255
            x = (torch.rand_like(grey) < grey).float().contiguous(memory_format=layout)
            h = self.encoder(x)
            mean, scale = self.mean(h), F.softplus(self.scale(h))
            logits = self.decoder(mean + scale * torch.randn_like(mean))
            cross_entropy = F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum((1, 2, 3))
            kl = (0.5 * (mean**2 + scale**2 - 1) - torch.log(scale)).sum(1)
            return (cross_entropy + kl).mean()

    torch.manual_seed(0)
    rows = torch.from_numpy(data).to(DEVICE)
    model = lecun_weights(Vae()).to(DEVICE).to(memory_format=layout)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    run = torch.compile(model) if framework.startswith("torch-compiled") else model

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = run(rows[torch.from_numpy(next(source)).to(DEVICE)])
        loss.backward()
        optimizer.step()
        return loss.detach()

    serve(f"torch {torch.__version__}", step, finish)
