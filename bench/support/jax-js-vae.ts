import { defaultDevice, init, jit, nn, numpy as np, random, tree, valueAndGrad } from "@jax-js/jax";
import { shuffle } from "./shuffle.js";

type Dense = { w: np.Array; b: np.Array };
type Params = { h: Dense; mean: Dense; scale: Dense; d: Dense; logits: Dense };
type State = { params: Params; m: Params; v: Params; key: np.Array };

const [batch, size, hidden, latent] = [128, 784, 400, 20];
const sizes: Readonly<Record<keyof Params, readonly [number, number]>> = { h: [size, hidden], mean: [hidden, latent], scale: [hidden, latent], d: [latent, hidden], logits: [hidden, size] };

/**
 * The training loop of models/vae.lvm written for jax-js (wasm) as its documentation teaches: one jit around the whole step, gradient, draws and
 * Adam included; the minibatch is gathered on the host. Arrays are owned: `.ref` where one is used again.
 */
export async function jaxJsVae(data: Uint8Array): Promise<{ readonly step: () => Promise<number>; readonly run: (steps: number) => Promise<void>; readonly dispose: () => void }> {
  await init("wasm");
  defaultDevice("wasm");
  const dense = (x: np.Array, { w, b }: Dense): np.Array => np.dot(x, w).add(b);
  const loss = (params: Params, x: np.Array, key: np.Array): np.Array => {
    const h = nn.relu(dense(x.ref, params.h));
    const mean = dense(h.ref, params.mean);
    const scale = nn.softplus(dense(h, params.scale));
    const z = mean.ref.add(scale.ref.mul(random.normal(key, [batch, latent])));
    const logits = dense(nn.relu(dense(z, params.d)), params.logits);
    const reconstruction = x.mul(logits.ref).sub(nn.softplus(logits)).sum();
    const kl = np.square(mean).add(np.square(scale.ref)).sub(1).mul(0.5).sub(np.log(scale)).sum();
    return kl.sub(reconstruction).mul(1 / batch);
  };
  const rate = 1e-3;
  const step = jit(({ params, m, v, key }: State, grey: np.Array, t: np.Array): [State, np.Array] => {
    const [next, coins, noise] = np.split(random.split(key, 3), 3) as [np.Array, np.Array, np.Array];
    const x = np.less(random.uniform(coins.reshape([2]), [batch, size]), grey).astype(np.float32);
    const [value, gradient] = valueAndGrad(loss)(tree.ref(params), x, noise.reshape([2]));
    const first = tree.map((a: np.Array, g: np.Array) => a.mul(0.9).add(g.mul(0.1)), m, tree.ref(gradient)) as Params;
    const second = tree.map((a: np.Array, g: np.Array) => a.mul(0.999).add(np.square(g).mul(0.001)), v, gradient) as Params;
    // Adam, with the two corrections of the bias as one step size and one ε (Kingma & Ba 2015, section 2).
    const root = np.sqrt(np.subtract(1, np.exp(t.ref.mul(Math.log(0.999)))));
    const size_ = root.ref.mul(rate).div(np.subtract(1, np.exp(t.mul(Math.log(0.9)))));
    const epsilon = root.mul(1e-8);
    const moved = tree.map((p: np.Array, a: np.Array, b: np.Array) => p.sub(a.mul(size_.ref).div(np.sqrt(b).add(epsilon.ref))), params, tree.ref(first), tree.ref(second)) as Params;
    size_.dispose();
    epsilon.dispose();
    return [{ params: moved, m: first, v: second, key: next.reshape([2]) }, value];
  });

  const keys = np.split(random.split(random.key(0), 6), 6).map((key) => key.reshape([2])) as np.Array[];
  const make = (init: (name: keyof Params, at: number) => Dense): Params => Object.fromEntries((Object.keys(sizes) as (keyof Params)[]).map((name, at) => [name, init(name, at)])) as Params;
  const zeros = (): Params => make((name) => ({ w: np.zeros([...sizes[name]]), b: np.zeros([sizes[name][1]]) }));
  const params = make((name, at) => {
    const [i, o] = sizes[name];
    const bound = Math.sqrt(3 / i);
    return { w: random.uniform(keys[at]!, [i, o], { minval: -bound, maxval: bound }), b: np.zeros([o]) };
  });
  let state: State = { params, m: zeros(), v: zeros(), key: keys[5]! };
  let t = 0;
  const rows = data.length / size;
  const order = Int32Array.from({ length: rows }, (_, at) => at);
  let at = rows;
  const advance = (): np.Array => {
    if (at + batch > rows) {
      shuffle(order);
      at = 0;
    }
    const grey = new Float32Array(batch * size);
    for (let i = 0; i < batch; i++, at++) for (let j = 0, from = order[at]! * size; j < size; j++) grey[i * size + j] = data[from + j]! / 255;
    const [next, value] = step(state, np.array(grey, { shape: [batch, size] }), np.array(new Float32Array([++t])).reshape([]));
    state = next as State;
    return value as np.Array;
  };
  return {
    step: async () => (await advance().jsAsync()) as number,
    run: async (steps) => {
      for (let i = 0; i < steps; i++) {
        const value = advance();
        // As the documentation recommends, so that pending operations do not queue up.
        await value.blockUntilReady();
        value.dispose();
      }
    },
    dispose: () => tree.dispose(state),
  };
}
