"""Matrix products of JAX or PyTorch on the GPU: an order `steps N` of common.py is the mean milliseconds of N products.

usage: products.py jax|torch SIZE
"""
import sys

from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "peers"))

from common import DEVICE, jax_setup, np, serve, torch_setup  # noqa: E402

framework, size = sys.argv[1], int(sys.argv[2])
generator = np.random.default_rng(0)
a, b = (generator.standard_normal((size, size), dtype=np.float32) for _ in range(2))
if framework == "jax":
    import jax
    import jax.numpy as jnp

    jax_setup(jax)
    a, b = jnp.asarray(a), jnp.asarray(b)
    product = jax.jit(lambda x, y: x @ y)
    last = None

    def multiply():
        global last
        last = product(a, b)

    serve(f"jax {jax.__version__}", multiply, lambda: jax.block_until_ready(last), warm_up=3)
else:
    import torch

    finish = torch_setup(torch)
    a, b = torch.from_numpy(a).to(DEVICE), torch.from_numpy(b).to(DEVICE)
    out = torch.empty_like(a)
    serve(f"torch {torch.__version__}", lambda: torch.mm(a, b, out=out), finish, warm_up=3)
