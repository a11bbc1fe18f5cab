import type * as ast from "../../parser/ast.js";
import type { Span } from "../../diagnostics/span.js";
import type { ForwardChain } from "../../ir/diffusion/coefficients.js";
import type { Plate } from "../../ir/model/model.js";
import type { Type } from "../../types/type.js";
import { type Affine, affineOf } from "../affine.js";
import { type Body, statementScope } from "../body.js";
import type { Context } from "../context.js";
import { elaborateDistribution } from "../expressions/distribution-calls.js";
import type { Scope } from "../scope.js";
import { declareStates, type States } from "./states.js";

/** A guide of steps: `chain t in 1..T { x[t] ~ Normal(a[t] * x[t-1], b[t]) }`. Undefined (reported) where it is anything else. */
export function checkForwardChain(body: Body, scope: Scope, loop: ast.LoopStatement, states: States, refuse: (message: string, span: Span, label: string, help?: string) => undefined): { readonly kind: "discrete"; readonly forward: ForwardChain; readonly origin: Span } | undefined {
  const { name, type } = states;
  const plate = scope.plates.at(-1)!;
  if (plate.chain !== "up" || plate.from !== 1) return refuse(`the chain of the guide runs ${plate.chain === "up" ? `from ${plate.from}` : "downwards"}`, loop.range.span, "the steps after the data", `write \`chain ${loop.variable.name} in 1..T\``);
  declareStates(body, scope, states, plate);
  const [step, more] = loop.body;
  const readsAhead = step?.kind === "sample" && step.name.name === name && step.indices.length === 1 && step.indices[0]?.kind === "name" && step.indices[0].name === loop.variable.name;
  if (!step || step.kind !== "sample" || more || !readsAhead) return refuse(`a step of the guide draws \`${name}[${loop.variable.name}]\`, and nothing else`, step?.span ?? loop.span, "not that");
  const forward = forwardChain(body.context, statementScope(body, scope, step), step, name, type, plate);
  return forward && { kind: "discrete", forward, origin: step.span };
}

/** The numbers a_t and b_t of `x[t] ~ Normal(a_t x[t−1], b_t)`. */
function forwardChain(context: Context, scope: Scope, step: ast.SampleStatement, name: string, type: Type, plate: Plate): ForwardChain | undefined {
  const call = elaborateDistribution(context, scope, step.distribution, { type, name, declared: step.name.span });
  if (!call) return undefined;
  const wrong = (code: "LVM4061" | "LVM4062" | "LVM4063", message: string, span: Span, label: string, help: string): undefined => void context.error({ code, message, span, label, help });
  if (call.distribution !== "Normal") return wrong("LVM4062", `the forward chain draws ${call.distribution}`, call.origin, "closed forms are known for Normal", "draw `Normal(a[t] * x[t-1], scale = b[t])`; for another family write the reverse steps out, as an ordinary chain with a guide");
  const spread = ["scale", "variance", "log_scale", "precision"].find((each) => call.args[each] !== undefined);
  const parts: { readonly role: string; readonly affine: Affine }[] = [];
  for (const role of ["mean", spread ?? "scale"]) {
    const arg = call.args[role];
    if (arg === undefined || !("kind" in arg)) return wrong("LVM4062", "the forward chain is not a Normal with a mean and a scale", call.origin, "not known", "write `Normal(a[t] * x[t-1], scale = b[t])`");
    // Offset of x[t−1] in an array that counts from 0.
    const found = affineOf(arg, plate, undefined, { name, before: 0 });
    if ("affine" in found) {
      parts.push({ role, affine: found.affine });
      continue;
    }
    if (found.problem === "parameters") return wrong("LVM4061", "the forward chain has parameters", found.at.origin, "learnt", "a forward chain that is learnt has no closed-form posterior: fix it, or write the reverse steps out, as an ordinary chain with a guide");
    return wrong("LVM4062", found.problem === "other-step" ? "the forward chain reads another step than the one before" : "the forward chain is not linear in the step before", found.at.origin, found.problem === "data" ? "not a number of the step" : "this part", "write `a[t] * x[t-1]` with numbers a[t]; for another chain write the reverse steps out");
  }
  const [mean, scale] = parts as [(typeof parts)[number], (typeof parts)[number]];
  if (mean.affine.offset.some((each) => each !== 0)) return wrong("LVM4062", "the forward chain moves the mean by a constant", call.origin, "the mean is not a multiple of the step before", "write `Normal(a[t] * x[t-1], …)`");
  if (scale.affine.factor.some((each) => each !== 0)) return wrong("LVM4062", "the noise of the forward chain depends on the step before", call.origin, "its scale is no number of the step", "write `scale = b[t]`");
  const deviation = scale.affine.offset.map((each) => ({ scale: each, variance: Math.sqrt(each), log_scale: Math.exp(each), precision: 1 / Math.sqrt(each) })[scale.role as "scale"]);
  const bad = deviation.findIndex((each) => !(each > 0) || !Number.isFinite(each));
  if (bad >= 0) return wrong("LVM4063", `step ${bad + 1} of the forward chain adds no noise`, call.origin, `its ${scale.role} is ${Number(scale.affine.offset[bad]!.toPrecision(6))}`, "every step needs noise: the schedule must go down, from below 1 at step 1");
  const growing = mean.affine.factor.findIndex((each) => !Number.isFinite(each) || Math.abs(each) > 1 + 1e-12);
  if (growing >= 0) return wrong("LVM4063", `step ${growing + 1} of the forward chain makes the signal grow`, call.origin, `its factor is ${Number(mean.affine.factor[growing]!.toPrecision(6))}`, "a factor of at most 1 takes signal away: `sqrt(alpha[t])` of a schedule has such factors");
  return { step: [1, ...mean.affine.factor], noise: [0, ...deviation] };
}
