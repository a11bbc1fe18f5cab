import type { AutoGroup, Binding, Expr, ModelProgram, Network } from "../ir/model/model.js";
import { TensorBuilder } from "../ir/tensor/builder.js";
import type { Dim, TensorNode } from "../ir/tensor/nodes.js";
import { InternalError } from "../util/internal-error.js";
import { AxisSpace, ROWS, type Value } from "./value.js";
import { constrainedParameter } from "./parameters.js";

/** Training uses batch statistics and dropout; evaluation the running statistics and none. */
export type Mode = "train" | "evaluate";

/**
 * One tensor program in the making: its builder, its axes, and what each name of the model stands for in it. It lives as long as the
 * lowering of that program.
 */
export class LoweringContext {
  readonly b = new TensorBuilder();
  readonly space: AxisSpace;
  /** Observed values and draws, by site; columns that the program is given. */
  readonly sites = new Map<string, Value>();
  readonly columns = new Map<string, Value>();
  /** New values of running statistics, by parameter. */
  readonly stateUpdates = new Map<string, TensorNode>();
  /** Unconstrained draws of the automatic guides. */
  readonly autoDraws: { readonly group: AutoGroup; readonly drawn: Value }[] = [];
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
  ) {
    this.space = new AxisSpace(rows);
    this.networks = new Map(program.networks.map((network) => [network.name, network]));
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
    const made = make(this.callCount++);
    this.calls.set(key, made);
    return made;
  }

  /** Values of the expressions that a frame has met. */
  lowered(frame: Frame): Map<Expr, Value> {
    const scope = frame.network ?? frame.of;
    let values = this.values.get(scope);
    if (!values) this.values.set(scope, (values = new Map()));
    return values;
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
    const value = { node, axes: [ROWS] };
    this.columns.set(name, value);
    return value;
  }

  /** A binding of the model or the guide; lowered when it is first asked for, so that a program holds only what it needs. */
  binding(of: "model" | "guide", name: string, lower: (binding: Binding) => Value): Value {
    const key = `${of}.${name}`;
    const known = this.bindings.get(key);
    if (known) return known;
    const steps: readonly { readonly kind: string }[] = this.program[of];
    const binding = steps.find((step): step is Binding => step.kind === "binding" && (step as Binding).name === name);
    if (!binding) throw new InternalError(`unknown binding ${name}`);
    const value = lower(binding);
    this.b.named(value.node, name);
    this.bindings.set(key, value);
    return value;
  }
}

/** Whose names an expression sees. */
export interface Frame {
  readonly of: "model" | "guide";
  /** Inside a network: its inputs and bindings. */
  readonly network?: { readonly inputs: ReadonlyMap<string, Value>; readonly bindings: ReadonlyMap<string, Value>; readonly name: string };
}
