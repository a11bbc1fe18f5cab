import { datumOf, marginalsOf } from "../../ir/diffusion/coefficients.js";
import type { DiscreteDiffusion, ModelProgram } from "../../ir/model/model.js";
import type { TensorBuilder } from "../../ir/tensor/builder.js";
import type { TensorNode, TensorProgram } from "../../ir/tensor/nodes.js";
import { asNumber } from "../elementwise.js";
import { LoweringContext } from "../context.js";
import { aligned, ROWS } from "../value.js";
import { lowerNetwork } from "./bound.js";
import { capturedLoop } from "./captured-loop.js";
import { DenoisingContext } from "./denoising-context.js";
import { samplerPlan, type SamplerName, type SamplerStep } from "./sampler-plan.js";

export interface SamplerOptions {
  readonly sampler?: SamplerName;
  /** Steps from noise to the datum; all T by default. */
  readonly steps?: number;
  /** DDIM: 0 (deterministic) to 1 (the variance of the posterior). */
  readonly eta?: number;
}

/** Draws of the datum: a loop over the sampler's steps, whole on the device, from x_T to x_0. */
export function lowerDiffusionSample(program: ModelProgram, diffusion: DiscreteDiffusion, options: SamplerOptions): TensorProgram {
  const context = new LoweringContext(program, "evaluate", "sample.");
  const { b, space } = context;
  const { name, type, time: { plate, forward }, prediction, prior } = diffusion;
  const shape = type.shape.map(({ value }) => value);
  const rows = space.size(ROWS);
  const full = [rows, ...shape];
  const marginals = marginalsOf(forward);
  const plan = samplerPlan(diffusion, options);
  const { ofState, ofOutput } = datumOf(prediction, marginals);
  const column = (values: readonly number[], dtype: "f32" | "i32" = "f32"): TensorNode => b.constant(values, [values.length], dtype);
  const start = b.add(b.multiply(b.normal(context.stream(name), full), prior.scale), prior.mean);
  const at = (place: (step: SamplerStep) => number): readonly number[] => plan.steps.map(place);
  const network = (inner: TensorBuilder, capture: Parameters<Parameters<typeof capturedLoop>[4]>[0]["capture"], state: TensorNode, place: TensorNode): TensorNode => {
    const asked = new DenoisingContext(context, { name, plate, state: { node: state, axes: [ROWS] }, place: { node: place, axes: [] } }, inner, capture);
    const output = asNumber(asked, lowerNetwork(asked, diffusion));
    return inner.broadcast(aligned(inner, output, [ROWS], shape.length), full);
  };
  const factors: readonly (keyof SamplerStep)[] = ["ofDatum", "ofState", ...(plan.multistep ? ["ofBefore" as const] : []), ...(plan.stochastic ? ["noise" as const] : [])];
  const first = [column(at(({ from }) => from - 1), "i32"), column(at(({ from }) => ofState[from]!)), column(at(({ from }) => ofOutput[from]!))];
  // The step to the datum keeps its first result: it has no second look, and what is asked there counts nothing.
  const second = plan.secondOrder
    ? [
        column(at(({ to }) => Math.max(0, to - 1)), "i32"), column(at(({ to }) => (to === 0 ? 0 : ofState[to]!))), column(at(({ to }) => (to === 0 ? 0 : ofOutput[to]!))),
        ...(["ofState", "ofDatum", "ofNext", "ofThere"] as const).map((role) => column(at((step) => step.second?.[role] ?? (role === "ofNext" ? 1 : 0)))),
      ]
    : [];
  const scans = [...first, ...factors.map((role) => column(at((step) => step[role] as number))), ...second];
  const carried = plan.multistep ? [start, b.full(0, full)] : [start];
  const [result] = capturedLoop(context, plan.steps.length, carried, scans, ({ b: inner, capture, carries: [state, before], scans: now }) => {
    const looked = (from: TensorNode, [place, own, said]: readonly TensorNode[]): TensorNode => inner.add(inner.multiply(from, own!), inner.multiply(network(inner, capture, from, place!), said!));
    const datum = looked(state!, now);
    const parts: Partial<Record<keyof SamplerStep, () => TensorNode>> = { ofDatum: () => datum, ofState: () => state!, ofBefore: () => before!, noise: () => inner.normal(context.stream(`${name}.noise`), full) };
    let next = inner.addAll(factors.map((role, place) => inner.multiply(parts[role]!(), now[first.length + place]!)));
    if (plan.secondOrder) {
      // Heun: the datum as it looks from where the step would lead.
      const there = now.slice(first.length + factors.length);
      next = inner.addAll([state!, datum, next, looked(next, there)].map((part, role) => inner.multiply(part, there[first.length + role]!)));
    }
    return plan.multistep ? [next, datum] : [next];
  });
  return b.program("sample", { [name]: b.named(result!, name) });
}
