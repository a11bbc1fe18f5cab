import type { AutoGroup, Binding, Expr, ModelProgram, Network, Plate } from "../ir/model/model.js";
import type { Position } from "../ir/model/positions.js";
import { TensorBuilder } from "../ir/tensor/builder.js";
import type { Dim, TensorNode } from "../ir/tensor/nodes.js";
import { InternalError } from "../util/internal-error.js";
import { type AxisName, AxisSpace, plateAxis, ROWS, type Value } from "./value.js";
import { constrainedParameter } from "./parameters.js";

/** Training uses batch statistics and dropout; evaluation the running statistics and none. */
export type Mode = "train" | "evaluate";

/**
 * One tensor program in the making: its builder, its axes, and what each name of the model stands for in it. It lives as long as the
 * lowering of that program.
 */
export class LoweringContext {
  readonly b: TensorBuilder;
  readonly space: AxisSpace;
  /** Observed values and draws, by site; columns that the program is given. */
  readonly sites: SiteValues = new Map<string, Value>();
  readonly columns = new Map<string, Value>();
  /** New values of running statistics, by parameter. */
  readonly stateUpdates = new Map<string, TensorNode>();
  /** Unconstrained draws of the automatic guides. */
  readonly autoDraws: { readonly group: AutoGroup; readonly drawn: Value }[] = [];
  /** The plates that have axes. */
  readonly plates: Map<AxisName, Plate>;
  /** How sites that chains draw get their values: a guide's, a model's in ancestral sampling. */
  readonly chains = new Map<"model" | "guide", ChainRunner>();
  /** Latents of loops that are summed out, by where they are read; the guide says which. */
  placed?: PlacedValues;
  readonly networks: ReadonlyMap<string, Network>;
  private readonly parameters = new Map<string, Value>();
  private readonly calls = new Map<string, ReadonlyMap<string, Value>>();
  private readonly bindings = new Map<string, Value>();
  private readonly values = new Map<unknown, Map<Expr, Value>>();
  private callCount = 0;
  private streamCounts = new Map<string, number>();

  constructor(
    readonly program: ModelProgram,
    readonly mode: Mode,
    /** Prefix of random streams, so that the programs of one step draw different numbers: `` for training. */
    readonly streamPrefix: string,
    rows: Dim = "rows",
    /** The step of a loop shares the axes and the numbers of streams of the program around it, and has a builder of its own. */
    inside?: Pick<LoweringContext, "b" | "space" | "plates">,
  ) {
    this.b = inside?.b ?? new TensorBuilder();
    this.space = inside?.space ?? new AxisSpace(rows);
    this.plates = inside?.plates ?? new Map();
    this.networks = new Map(program.networks.map((network) => [network.name, network]));
    // An outer loop's axis stands before an inner one's, whatever a program asks for first.
    if (!inside) for (const { plates } of [...program.model, ...program.guide].flatMap((step) => ("plates" in step ? [step] : []))) for (const plate of plates) this.space.declare(plateAxis(plate.name), plate.size);
  }

  /** A parameter's constrained value, gathered for the rows of the batch when it has one value per row. */
  parameter(name: string): Value {
    const known = this.parameters.get(name);
    if (known) return known;
    const parameter = this.program.parameters.find((candidate) => candidate.name === name);
    if (!parameter) throw new InternalError(`unknown parameter ${name}`);
    const value = constrainedParameter(this.b, parameter, this.space.size(ROWS));
    this.parameters.set(name, value);
    return value;
  }

  network(name: string): Network {
    const network = this.networks.get(name);
    if (!network) throw new InternalError(`unknown network ${name}`);
    return network;
  }

  /** Outputs of one network call with these very arguments, computed once. */
  memoizedCall(key: string, make: (call: number) => ReadonlyMap<string, Value>): ReadonlyMap<string, Value> {
    const known = this.calls.get(key);
    if (known) return known;
    const made = make(this.takeCall());
    this.calls.set(key, made);
    return made;
  }

  /** A number of its own for each call of a network. */
  takeCall(): number {
    return this.callCount++;
  }

  /** What an expression stands for that is not computed from its parts: a latent that is summed out; in the step of a loop also what is computed outside. */
  resolve(frame: Frame, expr: Expr, lower: Lower): Value | undefined {
    return this.placed?.resolve(this, frame, expr, lower);
  }

  /** Values of the expressions that a frame has met. */
  lowered(frame: Frame): Map<Expr, Value> {
    const scope = frame.network ?? frame.of;
    let values = this.values.get(scope);
    if (!values) this.values.set(scope, (values = new Map()));
    return values;
  }

  /** Gives a binding its value: of those that a chain computes together, all at once. */
  bind(of: "model" | "guide", name: string, value: Value): void {
    this.bindings.set(`${of}.${name}`, this.named(name, value));
  }

  private named(name: string, value: Value): Value {
    this.b.named(value.node, name);
    return value;
  }

  /** How often each stream was asked for: what is lowered twice draws the same. */
  streamMark(): ReadonlyMap<string, number> {
    return new Map(this.streamCounts);
  }

  rewindStreams(mark: ReadonlyMap<string, number>): void {
    this.streamCounts = new Map(mark);
  }

  /** A random stream of its own for each use of a name. */
  stream(name: string): string {
    const full = this.streamPrefix + name;
    const count = (this.streamCounts.get(full) ?? 0) + 1;
    this.streamCounts.set(full, count);
    return count === 1 ? full : `${full}#${count}`;
  }

  /** The data column as an input of the program. */
  inputColumn(name: string): Value {
    const known = this.columns.get(name);
    if (known) return known;
    const column = this.program.columns.find((candidate) => candidate.name === name);
    if (!column) throw new InternalError(`unknown column ${name}`);
    const dtype = column.type.support.kind === "index" ? "i32" : "f32";
    const shape = column.type.shape.map((size) => size.value);
    const node = this.b.input("column", name, [this.space.size(ROWS), ...shape], dtype);
    const value = { node: this.withinLength(node, name), axes: [ROWS] };
    this.columns.set(name, value);
    return value;
  }

  /** Columns of steps where rows have lengths of their own: zeros where a row has ended, whatever pads the data. */
  private withinLength(node: TensorNode, name: string): TensorNode {
    const { b } = this;
    const { length } = this.program;
    if (!length || name === length.column || node.shape[1] !== length.most) return node;
    const rows = this.inputColumn(length.column).node;
    const has = b.greaterEqual(b.expandDims(rows, [1]), b.add(b.cast(b.iota(length.most), "f32"), 1));
    const flag = b.reshape(has, [...has.shape, ...node.shape.slice(2).map(() => 1)]);
    return b.select(flag, node, b.operand(0, node.dtype));
  }

  /** A value of the program around all loops. */
  fromOutside(make: (outer: LoweringContext) => Value): Value {
    return make(this);
  }

  /** Whether this is within the steps of a loop over the plate. */
  isWithin(_plate: Plate): boolean {
    return false;
  }

  /** A binding of the model or the guide; lowered when it is first asked for, so that a program holds only what it needs. */
  binding(of: "model" | "guide", name: string, lower: (binding: Binding) => Value): Value {
    const key = `${of}.${name}`;
    const known = this.bindings.get(key);
    if (known) return known;
    const steps: readonly { readonly kind: string }[] = this.program[of];
    const binding = steps.find((step): step is Binding => step.kind === "binding" && (step as Binding).name === name);
    if (!binding) throw new InternalError(`unknown binding ${name}`);
    const value = this.named(name, lower(binding));
    this.bindings.set(key, value);
    return value;
  }
}

/** What computes the variables of a chain that read their own past. */
export interface ChainRunner {
  /** Sites that have no value yet: the runner draws them. */
  readonly isUnknown: (site: string) => boolean;
  /** Computes the group of a variable; false where it needs no more than its own distribution. */
  readonly run: (key: string) => boolean;
  /** The value of one start of a sequence (counted from 0) that is not whole yet. */
  readonly start: (key: string, at: number) => Value | undefined;
}

/** What stands for latents that have no value of their own in a program (chains/exact). */
export interface PlacedValues {
  readonly has: (site: string) => boolean;
  readonly without: (drawn: ReadonlySet<string>) => PlacedValues | undefined;
  readonly at: (site: string, at: readonly Position[]) => Value;
  readonly resolve: (context: LoweringContext, frame: Frame, expr: Expr, lower: Lower) => Value | undefined;
}

/** Values of sites by name. */
export interface SiteValues {
  get(name: string): Value | undefined;
  set(name: string, value: Value): unknown;
}

export type Lower = (context: LoweringContext, frame: Frame, expr: Expr) => Value;

/** Whose names an expression sees. */
export interface Frame {
  readonly of: "model" | "guide";
  /** Inside a network: its inputs and bindings. */
  readonly network?: { readonly inputs: ReadonlyMap<string, Value>; readonly bindings: ReadonlyMap<string, Value>; readonly name: string };
}
