import type { Expr, Plate } from "../../ir/model/model.js";
import { steppedReference } from "../../ir/model/walk.js";
import type { TensorBuilder } from "../../ir/tensor/builder.js";
import type { TensorNode } from "../../ir/tensor/nodes.js";
import { type Frame, LoweringContext, type Lower } from "../context.js";
import { leftOut, withoutSome } from "./left-out.js";
import { eventShape, type Value } from "../value.js";

/** What a network of a diffusion is asked about: the state x[t], and its step. */
export type Asked = {
  readonly name: string;
  readonly plate: Plate;
  readonly state: Value;
  /** Conditions with `dropout` are left out: of some rows, of which this says so (i1 [rows], by column), or of all. */
  readonly dropped?: ((name: string) => TensorNode | undefined) | "all";
} & (
  /** i32, t − 1: of each row, or one for all. */
  | { readonly place: Value }
  /** t itself, where time is continuous. */
  | { readonly time: Value }
);

/** Lowers a diffusion's network for one state and one step of each row. In the body of a loop `capture` brings in what is outside. */
export class DenoisingContext extends LoweringContext {
  constructor(
    private readonly around: LoweringContext,
    private readonly asked: Asked,
    b: TensorBuilder = around.b,
    private readonly capture: (value: Value) => Value = (value) => value,
  ) {
    super(around.program, around.mode, around.streamPrefix, undefined, { b, space: around.space, plates: around.plates });
  }

  override parameter(name: string): Value {
    return this.capture(this.around.parameter(name));
  }

  override inputColumn(name: string): Value {
    const { dropped } = this.asked;
    const column = dropped && this.program.columns.find((each) => each.name === name);
    if (!column || column.dropout === undefined) return this.capture(this.around.inputColumn(name));
    if (dropped === "all") return leftOut(this, column);
    const value = this.capture(this.around.inputColumn(name));
    const gone = dropped(name);
    return gone ? withoutSome(this, column, value, gone) : value;
  }

  override fromOutside(make: (outer: LoweringContext) => Value): Value {
    return this.capture(this.around.fromOutside(make));
  }

  override stream(name: string): string {
    return this.around.stream(name);
  }

  override takeCall(): number {
    return this.around.takeCall();
  }

  override resolve(frame: Frame, expr: Expr, lower: Lower): Value | undefined {
    if (frame.network) return undefined;
    const { b } = this;
    const { asked } = this;
    const { name, plate, state } = asked;
    const read = steppedReference(expr);
    if (read && read.reference.to.kind === "site" && read.reference.to.name === name) return state;
    const isTime = expr.kind === "loop-variable" && expr.plate.name === plate.name;
    if ("time" in asked) return isTime ? asked.time : undefined;
    const { place } = asked;
    if (isTime) return { node: b.add(b.cast(place.node, "f32"), plate.from), axes: place.axes };
    if (expr.kind !== "step" || expr.plate.name !== plate.name) return undefined;
    // `alpha[t]` of a constant array, or of a column: the element at each row's own step.
    const array = lower(this, frame, expr.target);
    const at = b.add(place.node, b.scalar(plate.from + expr.offset - 1, "i32"));
    const length = Number(eventShape(array)[0]);
    const inside = b.maximum(b.minimum(at, b.scalar(length - 1, "i32")), b.scalar(0, "i32"));
    return gathered(this, array, { node: inside, axes: place.axes });
  }
}

function gathered({ b, space }: LoweringContext, array: Value, at: Value): Value {
  if (array.axes.length === 0) return { node: b.gather(array.node, at.node), axes: at.axes };
  const axes = space.sort([...array.axes, ...at.axes]);
  const many: TensorNode = b.broadcast(at.node, space.dims(axes));
  const picked = b.gather(b.broadcast(array.node, [...space.dims(axes), ...eventShape(array)]), b.expandDims(many, [axes.length]), axes.length);
  return { node: b.reshape(picked, [...space.dims(axes), ...eventShape(array).slice(1)]), axes };
}
