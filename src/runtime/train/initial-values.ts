import { LvmError } from "../error.js";
import { fillNormal, fillUniform, type Random, type RandomKey } from "../random/index.js";
import { boundShape, type InitializerPlan, type ParameterPlan } from "./definition.js";

/** A stored parameter as a run begins; it depends on the seed and the parameter's name alone. */
export function initialValues(parameter: ParameterPlan, random: Random, dataset: number | undefined): Float32Array {
  const shape = boundShape(parameter, dataset);
  const values = new Float32Array(shape.reduce((product, size) => product * size, 1));
  fillInitial(values, parameter.init, shape, random.key(initialSite(parameter.name)));
  return values;
}

function fillInitial(values: Float32Array, init: InitializerPlan, shape: readonly number[], key: RandomKey): void {
  switch (init.kind) {
    case "constant":
      values.fill(init.value);
      return;
    case "values":
      // One row's values are repeated for parameters per row.
      if (init.values.length === 0 || values.length % init.values.length !== 0) throw new LvmError("LVM7108", `${init.values.length} initial values for shape [${shape.join(", ")}]`);
      for (let at = 0; at < values.length; at += init.values.length) values.set(init.values, at);
      return;
    case "uniform":
      return fillUniformBetween(values, init.low, init.high, key);
    case "lecun_uniform": {
      const limit = Math.sqrt(3 / init.fanIn);
      return fillUniformBetween(values, -limit, limit, key);
    }
    case "normal":
    case "he_normal": {
      const [mean, scale] = init.kind === "normal" ? [init.mean, init.scale] : [0, Math.sqrt(2 / init.fanIn)];
      fillNormal(values, key);
      for (let at = 0; at < values.length; at++) values[at] = mean + scale * (values[at] ?? 0);
      return;
    }
    case "identity": {
      const size = shape[shape.length - 1] ?? 1;
      for (let at = 0; at < values.length; at++) values[at] = Math.floor(at / size) % size === at % size ? 1 : 0;
    }
  }
}

function fillUniformBetween(values: Float32Array, low: number, high: number, key: RandomKey): void {
  fillUniform(values, key);
  for (let at = 0; at < values.length; at++) values[at] = low + (high - low) * (values[at] ?? 0);
}

/** FNV-1a of the parameter's name, apart from the streams of draws by its prefix. */
function initialSite(name: string): number {
  let hash = 0x811c9dc5;
  for (const character of `init/${name}`) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return (hash >>> 0) % 0xffffff00;
}
