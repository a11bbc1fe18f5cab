"""The VAE 784-400-20 in JAX: what vae.py times and mnist.py trains to the end."""
import jax
import jax.numpy as jnp
import optax

SIZE, HIDDEN, LATENT = 784, 400, 20
optimizer = optax.adam(1e-3)


def initial(seed):
    sizes = {"h": (SIZE, HIDDEN), "mean": (HIDDEN, LATENT), "scale": (HIDDEN, LATENT), "d": (LATENT, HIDDEN), "logits": (HIDDEN, SIZE)}
    keys = jax.random.split(jax.random.key(seed), len(sizes) + 1)
    dense = lambda key, i, o: {"w": jax.nn.initializers.lecun_uniform()(key, (i, o)), "b": jnp.zeros(o)}
    params = {name: dense(key, *size) for (name, size), key in zip(sizes.items(), keys)}
    return params, optimizer.init(params), keys[-1]


def loss(p, x, key):
    apply = lambda name, v: v @ p[name]["w"] + p[name]["b"]
    h = jax.nn.relu(apply("h", x))
    mean, scale = apply("mean", h), jax.nn.softplus(apply("scale", h))
    z = mean + scale * jax.random.normal(key, mean.shape)
    logits = apply("logits", jax.nn.relu(apply("d", z)))
    reconstruction = jnp.sum(x * logits - jax.nn.softplus(logits), axis=1)
    kl = jnp.sum(0.5 * (mean**2 + scale**2 - 1) - jnp.log(scale), axis=1)
    return -jnp.mean(reconstruction - kl)


def binarized(rows, key):
    return (jax.random.uniform(key, rows.shape) < rows.astype(jnp.float32) / 255).astype(jnp.float32)


def train(state, data, indices):
    p, o, key = state
    key, coins, noise = jax.random.split(key, 3)
    value, gradient = jax.value_and_grad(loss)(p, binarized(data[indices], coins), noise)
    updates, o = optimizer.update(gradient, o)
    return (optax.apply_updates(p, updates), o, key), value


# The state's buffers are given away and used again; the data set stays where JAX has it.
train_step = jax.jit(train, donate_argnums=0)
