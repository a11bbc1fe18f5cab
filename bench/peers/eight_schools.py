"""A step of the eight schools by a mean-field guide (models/eight_schools.lvm) in JAX: one call a step, or 1,000 steps a call (lax.scan).

usage: eight_schools.py jit|scan. See common.py for what it answers.
"""
import sys

from common import serve

import jax
import jax.numpy as jnp
import optax

which = sys.argv[1]
STEPS_PER_CALL = 1000
y = jnp.array([28.0, 8, -3, 7, -1, 1, 18, 12])
sigma = jnp.array([15.0, 10, 16, 11, 9, 11, 10, 18])
optimizer = optax.adam(1e-2)
HALF_LOG_TAU = 0.5 * jnp.log(2 * jnp.pi)


def loss(p, key):
    """−ELBO / 8 with one draw; the scale of `spread` is log-normal."""
    scale = jax.nn.softplus(p["scale"])
    draw = p["mean"] + scale * jax.random.normal(key, (10,))
    center, log_spread, effect = draw[0], draw[1], draw[2:]
    spread = jnp.exp(log_spread)
    normal = lambda x, mean, deviation: -0.5 * ((x - mean) / deviation) ** 2 - jnp.log(deviation) - HALF_LOG_TAU
    prior = normal(center, 0, 5) + jnp.log(2 / (5 * jnp.pi)) - jnp.log1p((spread / 5) ** 2) + log_spread + normal(effect, 0.0, 1.0).sum()
    entropy = jnp.sum(jnp.log(scale) + HALF_LOG_TAU + 0.5)
    return -(prior + entropy + normal(y, center + spread * effect, sigma).sum()) / 8


def train(state):
    p, o, key = state
    key, noise = jax.random.split(key)
    value, gradient = jax.value_and_grad(loss)(p, noise)
    updates, o = optimizer.update(gradient, o)
    return (optax.apply_updates(p, updates), o, key), value


one = jax.jit(train, donate_argnums=0)
many = jax.jit(lambda state: jax.lax.scan(lambda s, _: train(s), state, None, length=STEPS_PER_CALL), donate_argnums=0)
params = {"mean": jnp.zeros(10), "scale": jnp.full(10, jnp.log(jnp.expm1(1.0)))}
state = (params, optimizer.init(params), jax.random.key(0))
left = 0


def step():
    """With `scan` a call pays for the steps after it as well."""
    global state, left, value
    if which == "jit":
        state, value = one(state)
        return value
    if left == 0:
        state, values = many(state)
        value, left = values.mean(), STEPS_PER_CALL
    left -= 1
    return value


serve(f"jax {jax.__version__}", step, lambda: jax.block_until_ready(state), warm_up=2 * STEPS_PER_CALL)
