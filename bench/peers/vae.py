"""Training steps of the VAE 784-400-20 (batch 128, Adam, pixels binarized afresh): gathered, drawn, differentiated, updated, as a user writes it well.

usage: vae.py jax|torch|torch-fused|torch-compiled FILE    FILE: bytes, 784 a row. See common.py for what it answers.
"""
import sys

from common import DEVICE, images, jax_setup, lecun_weights, serve, shuffled, torch_setup

framework, path = sys.argv[1:3]
BATCH = 128
data = images(path, (784,))
source = shuffled(len(data), BATCH)

if framework == "jax":
    import jax
    import jax.numpy as jnp

    from vae_jax import initial, train_step

    jax_setup(jax)
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
    SIZE, HIDDEN, LATENT = 784, 400, 20

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
            cross_entropy = F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1)
            kl = (0.5 * (mean**2 + scale**2 - 1) - torch.log(scale)).sum(1)
            return (cross_entropy + kl).mean()

    torch.manual_seed(0)
    rows = torch.from_numpy(data).to(DEVICE)
    model = lecun_weights(Vae()).to(DEVICE)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=framework != "torch")
    run = torch.compile(model) if framework == "torch-compiled" else model

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = run(rows[torch.from_numpy(next(source)).to(DEVICE)])
        loss.backward()
        optimizer.step()
        return loss.detach()

    serve(f"torch {torch.__version__}", step, finish)
