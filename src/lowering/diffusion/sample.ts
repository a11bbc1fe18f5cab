import { datumOf, marginalsOf } from "../../ir/diffusion/coefficients.js";
import type { Diffusion, ModelProgram } from "../../ir/model/model.js";
import type { TensorBuilder } from "../../ir/tensor/builder.js";
import type { TensorNode, TensorProgram } from "../../ir/tensor/nodes.js";
import { asNumber } from "../elementwise.js";
import { LoweringContext } from "../context.js";
import { aligned, ROWS } from "../value.js";
import { lowerNetwork } from "./bound.js";
import { capturedLoop } from "./captured-loop.js";
import { DenoisingContext } from "./denoising-context.js";
import { samplerPlan, type SamplerName } from "./sampler-plan.js";

export interface SamplerOptions {
  readonly sampler?: SamplerName;
  /** Steps from noise to the datum; all T by default. */
  readonly steps?: number;
  /** DDIM: 0 (deterministic) to 1 (the variance of the posterior). */
  readonly eta?: number;
}

/** Draws of the datum: a loop over the sampler's steps, whole on the device, from x_T to x_0. */
export function lowerDiffusionSample(program: ModelProgram, diffusion: Diffusion, options: SamplerOptions): TensorProgram {
  const context = new LoweringContext(program, "evaluate", "sample.");
  const { b, space } = context;
  const { name, type, plate, forward, prediction, prior } = diffusion;
  const shape = type.shape.map(({ value }) => value);
  const rows = space.size(ROWS);
  const full = [rows, ...shape];
  const marginals = marginalsOf(forward);
  const plan = samplerPlan(diffusion, options);
  const { ofState, ofOutput } = datumOf(prediction, marginals);
  const column = (values: readonly number[], dtype: "f32" | "i32" = "f32"): TensorNode => b.constant(values, [values.length], dtype);
  const start = b.add(b.multiply(b.normal(context.stream(name), full), prior.scale), prior.mean);
  const at = (place: (step: (typeof plan.steps)[number]) => number): readonly number[] => plan.steps.map(place);
  const network = (inner: TensorBuilder, capture: Parameters<Parameters<typeof capturedLoop>[4]>[0]["capture"], state: TensorNode, place: TensorNode): TensorNode => {
    const asked = new DenoisingContext(context, { name, plate, state: { node: state, axes: [ROWS] }, place: { node: place, axes: [] } }, inner, capture);
    const output = asNumber(asked, lowerNetwork(asked, diffusion));
    return inner.broadcast(aligned(inner, output, [ROWS], shape.length), full);
  };
  const scans = [
    column(at(({ from }) => from - 1), "i32"), column(at(({ from }) => ofState[from]!)), column(at(({ from }) => ofOutput[from]!)), column(at(({ ofDatum }) => ofDatum)), column(at(({ ofState: each }) => each)),
    column(at(({ noise }) => noise)), column(at(({ ofBefore }) => ofBefore)),
    column(at(({ to }) => Math.max(0, to - 1)), "i32"), column(at(({ to }) => (to === 0 ? 0 : ofState[to]!))), column(at(({ to }) => (to === 0 ? 0 : ofOutput[to]!))),
    ...(["ofState", "ofDatum", "ofNext", "ofThere"] as const).map((role) => column(at(({ second }) => second?.[role] ?? (role === "ofNext" ? 1 : 0)))),
  ];
  const [result] = capturedLoop(context, plan.steps.length, [start, b.full(0, full)], scans, ({ b: inner, capture, carries, scans: now }) => {
    const [state, before] = carries as [TensorNode, TensorNode];
    const [place, s0, o0, ofDatum, own, noise, ofBefore, nextPlace, s1, o1, ...second] = now as TensorNode[];
    const datum = inner.add(inner.multiply(state, s0!), inner.multiply(network(inner, capture, state, place!), o0!));
    let next = inner.add(inner.multiply(datum, ofDatum!), inner.multiply(state, own!));
    if (plan.multistep) next = inner.add(next, inner.multiply(before, ofBefore!));
    if (plan.stochastic) next = inner.add(next, inner.multiply(inner.normal(context.stream(`${name}.noise`), full), noise!));
    if (plan.secondOrder) {
      // Heun: the datum as it looks from where the step would lead; the last step keeps its first result.
      const there = inner.add(inner.multiply(next, s1!), inner.multiply(network(inner, capture, next, nextPlace!), o1!));
      next = inner.addAll([state, datum, next, there].map((part, role) => inner.multiply(part, second[role]!)));
    }
    return [next, datum];
  });
  return b.program("sample", { [name]: b.named(result!, name) });
}
