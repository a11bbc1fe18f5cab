import type { ModelProgram } from "../../ir/model/model.js";
import type { Objective } from "../../ir/objective/objective.js";
import type { TensorNode, TensorProgram } from "../../ir/tensor/nodes.js";
import { lowerBinding } from "../chains/bindings.js";
import { type ModelStates, stateName } from "../chains/states.js";
import { LoweringContext } from "../context.js";
import { siteValue } from "../densities-of-sites.js";
import { lowerExpression } from "../expressions.js";
import { runGuide } from "../guide.js";
import { siteOf } from "../latents.js";
import { expanded, plateAxis, ROWS, type Value } from "../value.js";

/**
 * The guide's draw of what the model's next step must know: `state.<name>` [rows, steps back, …], the earliest first. `present` [rows] says which step of the columns is
 * the present one; what the columns hold after it has no part in it where the guide is causal.
 */
export function lowerBelief(program: ModelProgram, objective: Objective, states: ModelStates): TensorProgram {
  const context = new LoweringContext(program, "evaluate", "belief.");
  const { b, space } = context;
  runGuide(context, objective, { counts: { row: 1, global: 1 }, drawEnumerated: true });
  const present = b.input("column", "present", [space.size(ROWS)], "i32");
  const outputs: Record<string, TensorNode> = {};
  for (const { variable, lags } of states.chained) {
    const { step } = variable;
    const value: Value = step.kind === "binding" ? context.binding("model", step.name, (binding) => lowerBinding(context, "model", binding, lowerExpression)) : siteValue(context, siteOf(program, variable.name));
    const plate = variable.plates[0]!;
    const axes = space.sort([ROWS, plateAxis(plate.name)]);
    const whole = expanded(b, space, value, axes);
    const places = b.add(b.expandDims(b.subtract(present, b.scalar(plate.from + lags - 1, "i32")), [1]), b.iota(lags));
    outputs[stateName(variable)] = b.gather(whole, places, 1);
  }
  for (const site of states.still) outputs[stateName(site)] = expanded(b, space, siteValue(context, site), [ROWS]);
  return b.program("belief", outputs);
}
