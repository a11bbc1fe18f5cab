"""Training steps of a small U-Net of diffusion (bench/models/unet.lvm) that tells noise from images; batch 64, Adam.

usage: unet.py torch|torch-channels-last|torch-compiled|torch-compiled-channels-last FILE    FILE: float32, all x, then all noise (784 a row), then all t. See common.py for what it answers.
"""
import math
import sys

from common import DEVICE, lecun_weights, serve, shuffled, torch_setup

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

framework, path = sys.argv[1:3]
BATCH, BASE, TIME, GROUPS, HEADS = 64, 32, 128, 8, 4

finish = torch_setup(torch)
flat = torch.from_numpy(np.fromfile(path, dtype=np.float32))
count = len(flat) // (2 * 784 + 1)
layout = torch.channels_last if framework.endswith("channels-last") else torch.contiguous_format
xs, noises = (part.reshape(count, 1, 28, 28).to(DEVICE) for part in (flat[: count * 784], flat[count * 784 : 2 * count * 784]))
ts = flat[2 * count * 784 :].to(DEVICE)
source = shuffled(count, BATCH)


class Residual(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(GROUPS, inputs), nn.Conv2d(inputs, outputs, 3, padding=1)
        self.told = nn.Linear(TIME, outputs)
        self.norm2, self.conv2 = nn.GroupNorm(GROUPS, outputs), nn.Conv2d(outputs, outputs, 3, padding=1)
        self.skip = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x, e):
        h = self.conv1(F.silu(self.norm1(x))) + self.told(F.silu(e))[:, :, None, None]
        return self.skip(x) + self.conv2(F.silu(self.norm2(h)))


class Attention(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.norm, self.joint, self.output = nn.GroupNorm(GROUPS, channels), nn.Linear(channels, 3 * channels), nn.Linear(channels, channels)

    def forward(self, x):
        b, c, h, w = x.shape
        q, k, v = self.joint(self.norm(x).flatten(2).transpose(1, 2)).reshape(b, h * w, 3, HEADS, c // HEADS).permute(2, 0, 3, 1, 4)
        heard = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, h * w, c)
        return x + self.output(heard).transpose(1, 2).reshape(b, c, h, w)


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.time = nn.Sequential(nn.Linear(TIME, TIME), nn.SiLU(), nn.Linear(TIME, TIME))
        self.first = nn.Conv2d(1, BASE, 3, padding=1)
        self.high, self.low = Residual(BASE, BASE), Residual(BASE, 2 * BASE)
        self.attention, self.deep, self.up = Attention(2 * BASE), Residual(2 * BASE, 2 * BASE), Residual(4 * BASE, 2 * BASE)
        self.grow, self.out = nn.Conv2d(2 * BASE, BASE, 3, padding=1), Residual(2 * BASE, BASE)
        self.norm, self.last = nn.GroupNorm(GROUPS, BASE), nn.Conv2d(BASE, 1, 3, padding=1)
        n = TIME // 2
        self.register_buffer("frequencies", 10000 ** (-torch.arange(n) / (n - 1)))

    def forward(self, x, t, noise):
        angles = t[:, None] * self.frequencies
        e = self.time(torch.cat([angles.sin(), angles.cos()], 1))
        high = self.high(self.first(x), e)
        low = self.low(F.avg_pool2d(high, 2), e)
        deep = self.deep(self.attention(low), e)
        up = self.grow(F.interpolate(self.up(torch.cat([deep, low], 1), e), scale_factor=2, mode="nearest"))
        out = self.out(torch.cat([up, high], 1), e)
        y = self.last(F.silu(self.norm(out)))
        return (0.5 * (y - noise) ** 2 + 0.5 * math.log(2 * math.pi)).sum((1, 2, 3)).mean()


torch.manual_seed(0)
model = lecun_weights(UNet())
for name, weight in model.named_parameters():
    if "norm" in name and name.endswith("weight"):
        nn.init.ones_(weight)
    if name.endswith(("conv2.weight", "attention.output.weight", "last.weight")):
        nn.init.zeros_(weight)
model = model.to(DEVICE).to(memory_format=layout)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
run = torch.compile(model) if framework.startswith("torch-compiled") else model


def step():
    optimizer.zero_grad(set_to_none=True)
    at = torch.from_numpy(next(source)).to(DEVICE)
    loss = run(xs[at].contiguous(memory_format=layout), ts[at], noises[at].contiguous(memory_format=layout))
    loss.backward()
    optimizer.step()
    return loss.detach()


serve(f"torch {torch.__version__}", step, finish)
