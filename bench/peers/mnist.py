"""The VAE of vae_jax.py on MNIST: epochs of shuffled minibatches of 128, then the −ELBO of the test images, pixels binarized afresh in both.

usage: mnist.py FOLDER EPOCHS SEED    prints {"version": …, "elbo": nats per image}
"""
import gzip
import json
import os
import sys

from common import THREADS, shuffled  # noqa: F401  (pins the cores)

import jax
import jax.numpy as jnp
import numpy as np
from vae_jax import SIZE, binarized, initial, loss, train_step

folder, epochs, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
BATCH, CHUNK = 128, 500


def idx(name):
    with gzip.open(os.path.join(folder, name)) as file:
        return jnp.asarray(np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, SIZE))


train, test = idx("train-images-idx3-ubyte.gz"), idx("t10k-images-idx3-ubyte.gz")
state = initial(seed)
source = shuffled(len(train), BATCH, seed)
for _ in range(epochs * (len(train) // BATCH)):
    state, _ = train_step(state, train, next(source))


@jax.jit
def evaluate(p, rows, key):
    coins, noise = jax.random.split(key)
    return loss(p, binarized(rows, coins), noise)


keys = jax.random.split(jax.random.key(seed + 1), len(test) // CHUNK)
values = [evaluate(state[0], test[at * CHUNK : (at + 1) * CHUNK], key) for at, key in enumerate(keys)]
print(json.dumps({"version": f"jax {jax.__version__}", "elbo": -float(np.mean([float(value) for value in values]))}))
