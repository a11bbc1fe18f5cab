import type { ElementType, KernelExpr, Width } from "../../ir/kernel/nodes.js";
import { InternalError } from "../../util/internal-error.js";
import { rangeOf, type Range } from "./ranges.js";
import { identifier, type Wat } from "./wat.js";

export type ValueType = "i32" | "f32" | "v128";

export const valueType = (type: ElementType, width: Width): ValueType => (width === "vector" ? "v128" : type === "f32" ? "f32" : "i32");

interface Binding {
  readonly local: string;
  readonly range: Range | undefined;
}

/** What a function of the module has in reach while it is written: its locals, and what is known about their values. */
export class Scope {
  private readonly declared = new Map<string, ValueType>();
  private readonly parameters = new Set<string>();
  /** Locals that no name of the program may use. */
  private readonly reserved = new Set<string>();
  private bindings = new Map<string, Binding>();
  /** The locals of `bindings`: kernels have thousands of names, so they are not gathered for each. */
  private taken = new Set<string>();
  private temporaries: { [type in ValueType]: number } = { i32: 0, f32: 0, v128: 0 };

  /** `groups` of the kernel; undefined inside of functions, which have none. */
  constructor(
    readonly groups: number | undefined,
    readonly relaxed: boolean,
  ) {}

  /** The local of a new name. Names of blocks that have ended may come again; where the type differs they get another local. */
  declare(name: string, type: ValueType, range?: Range): string {
    const plain = identifier(name);
    let local = plain;
    for (let n = 2; this.taken.has(local) || (this.declared.get(local) ?? type) !== type || this.reserved.has(local); n++) local = `${plain}.${n}`;
    this.declared.set(local, type);
    const hidden = this.bindings.get(name);
    if (hidden) this.taken.delete(hidden.local);
    this.bindings.set(name, { local, range });
    this.taken.add(local);
    return local;
  }

  parameter(name: string, type: ValueType): string {
    const local = this.declare(name, type);
    this.parameters.add(local);
    this.reserved.add(local);
    return local;
  }

  /** A local of our own that lives to the end of the function; its name cannot meet one of the program. */
  own(name: string, type: ValueType): string {
    let local = `$${name}`;
    for (let n = 2; this.declared.has(local); n++) local = `$${name}.${n}`;
    this.declared.set(local, type);
    this.reserved.add(local);
    return local;
  }

  lookup(name: string): string {
    const binding = this.bindings.get(name);
    if (binding === undefined) throw new InternalError(`the kernel uses ${name} before it is bound`);
    return binding.local;
  }

  rangeOf = (expr: KernelExpr): Range => rangeOf(expr, (name) => this.bindings.get(name)?.range, this.groups ?? 1);

  /** A local that is free again after the statement. Names of the program have no colon. */
  temporary = (type: ValueType): string => {
    const local = `$${type}:${this.temporaries[type]++}`;
    this.declared.set(local, type);
    return local;
  };

  /** Writes one statement: its temporaries are free afterwards. */
  statement<T>(write: () => T): T {
    this.temporaries = { i32: 0, f32: 0, v128: 0 };
    return write();
  }

  /** Writes a block: what it binds ends with it. */
  block<T>(write: () => T): T {
    const [outer, outerTaken] = [this.bindings, this.taken];
    [this.bindings, this.taken] = [new Map(outer), new Set(outerTaken)];
    const result = write();
    [this.bindings, this.taken] = [outer, outerTaken];
    return result;
  }

  /** `(local …)` for all but the parameters, one line for each type. */
  locals(): readonly Wat[] {
    return (["i32", "f32", "v128"] as const).flatMap((type) => {
      const names = [...this.declared].filter(([name, of]) => of === type && !this.parameters.has(name)).map(([name]) => name);
      return names.map((name): Wat => ["local", name, type]);
    });
  }
}
