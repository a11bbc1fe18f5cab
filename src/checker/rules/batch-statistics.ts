import { type Expr, type ModelProgram, type Plate, type Reference } from "../../ir/model/model.js";
import { argumentsOf, exprsWithin } from "../../ir/model/walk.js";
import type { Fix } from "../../diagnostics/diagnostic.js";
import { choice, replacement } from "../../diagnostics/fix.js";
import { type Span, textOf } from "../../diagnostics/span.js";
import { strongComponents } from "../../util/strong-components.js";
import type { Context } from "../context.js";
import { loopWord } from "../loop-plates.js";

/** What the steps of loops compute, one after the other where it reads its own past. */
interface Variable {
  readonly key: string;
  readonly loops: readonly Plate[];
  readonly values: readonly Expr[];
}

/**
 * `batch_norm` takes its statistics over the rows and steps of a batch at once. In a state that reads its own past there is one step at a time, so there would be other statistics at each
 * step, and running ones of none. What a state does not feed is computed for all steps at once, and may be normalized.
 */
export function checkBatchStatistics(context: Context, program: ModelProgram): void {
  const normalizing = normalizingNetworks(program);
  if (normalizing.size === 0) return;
  // Under the guide's draws the model's densities hold for all steps at once: of the model only computed values go step by step.
  for (const variables of [variablesOf(program, "model"), variablesOf(program, "guide")]) {
    const place = new Map(variables.map(({ key }, at) => [key, at]));
    const reads = variables.map(({ values }) => values.flatMap((value) => [...exprsWithin(value)].flatMap((expr) => (expr.kind === "reference" ? (place.get(keyOf(expr.to)) ?? []) : []))));
    const components = strongComponents(reads);
    for (const [at, { values, loops }] of variables.entries()) {
      const chain = loops.find((loop) => loop.chain !== undefined);
      const isFed = (expr: Expr): boolean => [...exprsWithin(expr)].some((part) => part.kind === "reference" && place.has(keyOf(part.to)) && components[place.get(keyOf(part.to))!] === components[at]);
      if (!chain || !(reads[at]!.includes(at) || components.filter((component) => component === components[at]).length > 1)) continue;
      for (const call of values.flatMap((value) => [...exprsWithin(value)])) {
        const layer = call.kind === "call" && call.args.some(isFed) ? normalizing.get(call.network) : undefined;
        if (call.kind !== "call" || !layer) continue;
        context.error({
          code: "LVM4049",
          message: `\`${call.network}\` takes statistics of the batch at each step of a chain`,
          span: call.origin,
          label: "reads its own past through this",
          related: [{ span: layer.origin, text: `\`${textOf(layer.origin).replace(/\s+/g, " ").slice(0, 30)}\`` }, { span: loopWord(chain), text: "this chain" }],
          help: "use `layer_norm`, or normalize what the state reads before it goes in: `features[t] = f(x[t])` is computed for all steps at once",
          fixes: layerNormed(layer.origin),
        });
        return;
      }
    }
  }
}

function layerNormed(layer: Span): readonly Fix[] | undefined {
  const at = textOf(layer).lastIndexOf("batch_norm");
  const start = layer.start + at;
  return at < 0 ? undefined : [choice(replacement({ ...layer, start, end: start + "batch_norm".length }, "layer_norm"))];
}

function keyOf(to: Reference): string {
  return to.kind === "binding" || to.kind === "site" ? `${to.kind} ${to.name}` : "";
}

function variablesOf(program: ModelProgram, of: "model" | "guide"): readonly Variable[] {
  return program[of].flatMap((step): Variable[] => {
    const loops = "plates" in step ? (step.sequence ? [...step.plates.slice(0, -1), step.sequence.chain] : step.plates) : [];
    if (step.kind === "binding") return [{ key: `binding ${step.name}`, loops, values: [step.value] }];
    return step.kind === "guide-site" ? [{ key: `site ${step.site}`, loops, values: argumentsOf(step.distribution) }] : [];
  });
}

/** Networks that normalize by batches, themselves or by others that they call, with the layer. */
function normalizingNetworks(program: ModelProgram): ReadonlyMap<string, Expr> {
  const found = new Map<string, Expr>();
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const network of program.networks) {
      if (found.has(network.name)) continue;
      const parts = [...network.bindings, ...network.outputs].flatMap(({ value }) => [...exprsWithin(value)]);
      const layer = parts.find((part) => part.kind === "layer" && part.layer === "batch_norm") ?? parts.flatMap((part) => (part.kind === "call" ? (found.get(part.network) ?? []) : []))[0];
      if (layer) found.set(network.name, layer);
    }
  }
  return found;
}
