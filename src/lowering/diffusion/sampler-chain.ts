import { leastRatio, type Marginals, marginalsOf } from "../../ir/diffusion/coefficients.js";
import { type ContinuousTime, type Diffusion, isContinuous, type ModelProgram } from "../../ir/model/model.js";
import { scheduleNumbers } from "./schedule.js";
import { continuousStrides } from "./step-times.js";

/** The states among which a sampler chooses, by place: 0 is where it ends, the last is noise. */
export interface SamplerChain {
  readonly marginals: Marginals;
  /** Strides from noise to place 0. */
  readonly count: number;
  /** Of continuous time: t at each place. Place 0 is then x at t = 0, which has noise in it, and the datum is `toDatum` of it. */
  readonly times?: readonly number[];
  /** The factor between place 0 and the datum. */
  readonly toDatum: number;
}

/** No fewer places in continuous time than this, for strides that are not equal ones of t. */
const leastPlaces = 4096;

/**
 * Where a sampler may stop. In discrete time these are the steps of the chain, the datum at place 0. In continuous time they are equally far apart, a multiple of the strides from 0 to 1, with
 * the schedule's numbers in float64; from x at t = 0 the last step is the mean of p(x_0 | x_{0+}) = Normal(x_{0+} / s, (σ / s)²), without its noise.
 */
export function samplerChain(program: ModelProgram, diffusion: Diffusion, steps: number | undefined): SamplerChain {
  if (!isContinuous(diffusion)) {
    const T = diffusion.time.plate.size;
    return { marginals: marginalsOf(diffusion.time.forward), count: Math.min(T, steps ?? T), toDatum: 1 };
  }
  const count = steps ?? continuousStrides;
  const places = count * Math.ceil(leastPlaces / count);
  const times = Array.from({ length: places + 1 }, (_, at) => at / places);
  const marginals = marginalsAt(program, diffusion.time, times);
  return { marginals, count, times, toDatum: 1 / marginals.signal[0]! };
}

/** cos(π / 2) is 6e-17: where nothing is left of the datum at t = 1 the signal is 0 there. */
function marginalsAt(program: ModelProgram, time: ContinuousTime, times: readonly number[]): Marginals {
  const { signal: found, variance } = scheduleNumbers(program, time, times);
  const signal = found.map((each, at) => (at === times.length - 1 && each ** 2 / variance[at]! < leastRatio ? 0 : each));
  return { signal, deviation: variance.map(Math.sqrt), snr: signal.map((each, at) => each ** 2 / variance[at]!) };
}
