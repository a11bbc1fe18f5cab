import type { Binding, Expr, Plate } from "../../ir/model/model.js";
import { steppedReference } from "../../ir/model/walk.js";
import type { TensorBuilder } from "../../ir/tensor/builder.js";
import { InternalError } from "../../util/internal-error.js";
import { type Frame, LoweringContext, type Lower } from "../context.js";
import { arrayOverPlates, stepInto } from "../plates.js";
import type { Value } from "../value.js";
import { type ChainVariable, isSameStep, isWhole, keyOf, lagsOf, readsAmong } from "./variables.js";

/** How the body of a loop comes by what is outside of it, and by the steps before. */
export interface StepSource {
  /** A value of the program around: the slice of this step where it has the loop's axis, else itself. */
  readonly capture: (value: Value) => Value;
  /** A variable `lag` steps ago. */
  readonly carried: (variable: ChainVariable, lag: number) => Value;
}

/**
 * One step of a loop over a chain's plate: the variables of a group at this step, in a builder of its own. Expressions that read none of them are lowered in the
 * context around, for all steps at once, and enter as slices: encoders, decoders and noise never stand in the loop.
 */
export class StepContext extends LoweringContext {
  private readonly current = new Map<string, Value>();
  private readonly members: ReadonlyMap<string, ChainVariable>;
  private readonly reading = new WeakMap<Expr, boolean>();
  override readonly sites = {
    get: (name: string): Value | undefined => {
      const outside = this.current.get(`site ${name}`);
      if (outside || this.members.has(`site ${name}`)) return outside;
      const value = this.outer.sites.get(name);
      return value && this.source.capture(value);
    },
    set: (name: string, value: Value): void => void this.current.set(`site ${name}`, value),
  };

  constructor(
    readonly outer: LoweringContext,
    readonly group: readonly ChainVariable[],
    readonly plate: Plate,
    /** Loops around this one. */
    readonly depth: number,
    b: TensorBuilder,
    private readonly source: StepSource,
  ) {
    super(outer.program, outer.mode, outer.streamPrefix, undefined, { b, space: outer.space, plates: outer.plates });
    this.members = new Map(group.map((variable) => [variable.key, variable]));
  }

  /** Gives a variable its value at this step. */
  put(variable: ChainVariable, value: Value): void {
    this.b.named(value.node, variable.name);
    this.current.set(variable.key, value);
  }

  at(variable: ChainVariable): Value {
    const value = this.current.get(variable.key);
    if (!value) throw new InternalError(`${variable.key} is read before its step is computed`);
    return value;
  }

  capture(value: Value): Value {
    return this.source.capture(value);
  }

  override fromOutside(make: (outer: LoweringContext) => Value): Value {
    return this.capture(this.outer.fromOutside(make));
  }

  override isWithin(plate: Plate): boolean {
    return plate.name === this.plate.name || this.outer.isWithin(plate);
  }

  override parameter(name: string): Value {
    return this.capture(this.outer.parameter(name));
  }

  override inputColumn(name: string): Value {
    return this.sites.get(name) ?? this.capture(this.outer.inputColumn(name));
  }

  override binding(of: "model" | "guide", name: string, lower: (binding: Binding) => Value): Value {
    return this.current.get(`binding ${name}`) ?? this.capture(this.outer.binding(of, name, lower));
  }

  override bind(_of: "model" | "guide", name: string, value: Value): void {
    this.current.set(`binding ${name}`, value);
  }

  override stream(name: string): string {
    return this.outer.stream(name);
  }

  override streamMark(): ReadonlyMap<string, number> {
    return this.outer.streamMark();
  }

  override rewindStreams(mark: ReadonlyMap<string, number>): void {
    this.outer.rewindStreams(mark);
  }

  override takeCall(): number {
    return this.outer.takeCall();
  }

  override resolve(frame: Frame, expr: Expr, lower: Lower): Value | undefined {
    if (frame.network) return undefined;
    const member = this.member(expr);
    if (member) return member;
    if (expr.kind === "number" || expr.kind === "constant" || this.reads(expr)) return undefined;
    return this.capture(lower(this.outer, frame, expr));
  }

  /** A variable of the group, at this step or one before; inside of other loops at the step that they are at. */
  private member(expr: Expr): Value | undefined {
    const read = steppedReference(expr);
    const variable = read && this.members.get(keyOf(read.reference.to));
    if (!read || !variable || !isSameStep(variable, read, this.depth)) return undefined;
    const lag = lagsOf(variable, read)[this.depth];
    if (lag === undefined) throw new InternalError(`${variable.key} is read whole while it is computed`);
    const value = lag === 0 ? this.at(variable) : this.source.carried(variable, lag);
    if (!isWhole(read.reference.to)) return value;
    const rest = read.steps.slice(this.depth + 1);
    const array = arrayOverPlates(this, value, variable.plates.slice(this.depth + 1));
    return rest.reduce((part, { plate, offset }) => stepInto(this, part, plate, offset), array);
  }

  /** Whether an expression reads a variable of the group at this step of the loops around. */
  private reads(expr: Expr): boolean {
    const known = this.reading.get(expr);
    if (known !== undefined) return known;
    const does = readsAmong([expr], this.members).some(({ variable, read }) => isSameStep(variable, read, this.depth));
    this.reading.set(expr, does);
    return does;
  }
}
