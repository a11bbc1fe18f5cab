import type { Expr, ModelProgram, Site } from "../../../ir/model/model.js";
import { atPositions, type LoopVariables, placedReference, placeKey, type Position, positionsOf, readsOf } from "../../../ir/model/positions.js";
import { loopVariables } from "../../../ir/model/summed-chains.js";
import { InternalError } from "../../../util/internal-error.js";
import type { Frame, Lower, LoweringContext, PlacedValues } from "../../context.js";
import { stepInto } from "../../plates.js";
import type { Value } from "../../value.js";

/** What stands for a latent that is summed out wherever the model reads it: a value for each place. */
export type PlacedSource = (site: Site, at: readonly Position[]) => Value;

/** The latents of one program that have no value, but one for each place at which they are read. */
export class PlacedSites implements PlacedValues {
  private readonly variables: LoopVariables;
  private readonly values = new Map<string, Value>();
  private readonly dependent = new Map<string, boolean>();
  private readonly elsewhere = new Map<string, Expr>();

  constructor(
    private readonly program: ModelProgram,
    private readonly names: ReadonlySet<string>,
    private readonly source: PlacedSource,
  ) {
    this.variables = loopVariables(program.model);
  }

  has(site: string): boolean {
    return this.names.has(site);
  }

  /** The same without those that have got a value. */
  without(drawn: ReadonlySet<string>): PlacedSites | undefined {
    const rest = [...this.names].filter((name) => !drawn.has(name));
    return rest.length === 0 ? undefined : new PlacedSites(this.program, new Set(rest), this.source);
  }

  at(site: string, at: readonly Position[]): Value {
    const key = placeKey(site, at);
    const known = this.values.get(key) ?? this.source(this.variables.sites.get(site) as Site, at);
    this.values.set(key, known);
    return known;
  }

  /** The value of an expression that reads such a latent, or a binding of one from another loop; undefined for all others. */
  resolve(context: LoweringContext, frame: Frame, expr: Expr, lower: Lower): Value | undefined {
    if (this.names.size === 0 || frame.of !== "model" || frame.network) return undefined;
    const placed = placedReference(expr);
    if (!placed) return undefined;
    const { to, indices } = placed;
    if ((to.kind === "site" || to.kind === "column") && this.names.has(to.name)) {
      const { plates } = this.variables.sites.get(to.name)!;
      const at = positionsOf(to, indices, plates);
      if (at === "whole") throw new InternalError(`${to.name} is summed out and read whole`);
      const own = to.kind === "site" && !to.whole ? indices : indices.slice(plates.length);
      return own.reduce((value, index) => element(context, value, index), this.at(to.name, at));
    }
    const binding = to.kind === "binding" ? this.variables.bindings.get(to.name) : undefined;
    if (!binding || to.kind !== "binding" || !to.whole || !this.reads(binding.name)) return undefined;
    const at = positionsOf(to, indices, binding.plates);
    if (at === "whole") throw new InternalError(`${to.name} reads what is summed out, and is read whole`);
    const key = placeKey(to.name, at);
    const moved = this.elsewhere.get(key) ?? atPositions(binding.value, new Map(binding.plates.map((plate, index) => [plate.name, at[index]!])), this.variables);
    this.elsewhere.set(key, moved);
    return indices.slice(binding.plates.length).reduce((value, index) => element(context, value, index), lower(context, frame, moved));
  }

  private reads(binding: string): boolean {
    const known = this.dependent.get(binding);
    if (known !== undefined) return known;
    const does = readsOf([this.variables.bindings.get(binding)!.value], this.variables, (name) => this.names.has(name)).length > 0;
    this.dependent.set(binding, does);
    return does;
  }
}

/** An index into a value's own shape. */
function element(context: LoweringContext, value: Value, index: Extract<Expr, { readonly kind: "step" | "position" }>): Value {
  const { b } = context;
  if (index.kind === "step") return stepInto(context, value, index.plate, index.offset);
  const at = value.axes.length;
  const picked = b.sliceAxis(value.node, at, index.at, 1);
  return { node: b.reshape(picked, picked.shape.filter((_, axis) => axis !== at)), axes: value.axes };
}
