"""What the peers share: two cores, data from a file, and a conversation over stdin and stdout.

A peer warms up (compiles), prints {"ready": true, "version": …}, and then takes an order a line:
  steps N    takes N steps and prints the milliseconds of one
  loss N     prints the mean loss of N further steps
Between orders it sleeps, so that the other candidates of a run have the machine to themselves.
"""
import json
import os
import sys
import time

THREADS = 2
# `cuda` in bench/gpu; there the host may use all its cores.
DEVICE = os.environ.get("LVMC_PEERS_DEVICE", "cpu")
if DEVICE == "cpu":
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])
    os.environ["OMP_NUM_THREADS"] = str(THREADS)

import numpy as np  # noqa: E402  (threads are counted when libraries are loaded)


def images(path, shape):
    """Grey levels as bytes, a row an image."""
    return np.fromfile(path, dtype=np.uint8).reshape(-1, *shape)


def shuffled(rows, batch, seed=0):
    """Row indices of minibatches, for ever; the rest of an epoch is dropped."""
    generator = np.random.default_rng(seed)
    while True:
        order = generator.permutation(rows)
        for at in range(0, rows - batch + 1, batch):
            yield order[at : at + batch]


def lecun_weights(module):
    """A PyTorch module with the first weights that the others have: uniform of variance 1 / fan-in, zero bias."""
    from torch.nn import init

    for weight in module.parameters():
        if weight.dim() > 1:
            init.kaiming_uniform_(weight, nonlinearity="linear")
        else:
            init.zeros_(weight)
    return module


def torch_setup(torch):
    """Threads and precision as asked for; gives what waits for all that was begun."""
    if DEVICE == "cpu":
        torch.set_num_threads(THREADS)
        return lambda: None
    tf32 = os.environ.get("LVMC_PEERS_TF32") == "1"
    torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.backends.cudnn.allow_tf32 = tf32
    return torch.cuda.synchronize


def jax_setup(jax):
    """On a GPU or not at all, where one was asked for."""
    if DEVICE != "cpu" and jax.default_backend() != "gpu":
        sys.exit(f"JAX runs on {jax.default_backend()}, not on a GPU")


def serve(version, step, finish, warm_up=20):
    """step() takes a step and gives its loss as the framework has it (not a number: reading one waits); finish() waits for all that was begun."""
    for _ in range(warm_up):
        step()
    finish()
    print(json.dumps({"ready": True, "version": version}), flush=True)
    for line in sys.stdin:
        order, count = line.split()
        if order == "loss":
            print(json.dumps(float(np.mean([float(step()) for _ in range(int(count))]))), flush=True)
            continue
        start = time.perf_counter()
        for _ in range(int(count)):
            step()
        finish()
        print(json.dumps((time.perf_counter() - start) * 1000 / int(count)), flush=True)
