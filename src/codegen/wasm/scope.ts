import type { ElementType, KernelExpr, Width } from "../../ir/kernel/nodes.js";
import { InternalError } from "../../util/internal-error.js";
import { atomic, byteAddress, keyOf, type Linear, linearOf, withAtom } from "./linear.js";
import { rangeOf, rangeOfType, type Range } from "./ranges.js";
import { identifier, type Wat } from "./wat.js";

export type ValueType = "i32" | "f32" | "v128";

export const valueType = (type: ElementType, width: Width): ValueType => (width === "vector" ? "v128" : type === "f32" ? "f32" : "i32");

interface Binding {
  readonly local: string;
  readonly range: Range | undefined;
  /** What an index made of it is made of; undefined for what may change. */
  readonly form: Linear | undefined;
  readonly splat: boolean;
}

export interface Declared {
  readonly range?: Range;
  readonly form?: Linear;
  /** Its value may be set again. */
  readonly mutable?: boolean;
  /** It is the variable of the loop that begins now. */
  readonly counts?: boolean;
  /** A scalar of the program that is kept as a vector. */
  readonly splat?: boolean;
}

/** A loop that is being written: what it prepares before its first turn and steps after each. */
interface Loop {
  readonly local: string;
  /** Value of the variable in the first turn, where it is known. */
  readonly first: number | undefined;
  readonly step: number;
  readonly bases: Map<string, string>;
  readonly before: Wat[];
  readonly after: Wat[];
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
  private readonly loops: Loop[] = [];
  /** Byte addresses that this block has in locals. */
  private bases = new Map<string, string>();
  private baseCount = 0;
  /** What must stand before the statement that is being written. */
  private before: Wat[] = [];

  /** `groups` of the kernel; undefined inside of functions, which have none. */
  constructor(
    readonly groups: number | undefined,
    /** Scalars of the program that are used as nothing but broadcasts. */
    private readonly onlySplat: ReadonlySet<string>,
    /** Steps of the loops of launches around the kernel. */
    readonly loopSteps: readonly number[] = [],
  ) {}

  isOnlySplat = (name: string): boolean => this.onlySplat.has(name);

  isSplat = (name: string): boolean => this.bindings.get(name)?.splat ?? false;

  /** The local of a new name. Names of blocks that have ended may come again; where the type differs they get another local. */
  declare(name: string, type: ValueType, { range, form, mutable = false, counts = false, splat = false }: Declared = {}): string {
    const plain = identifier(name);
    let local = plain;
    for (let n = 2; this.taken.has(local) || (this.declared.get(local) ?? type) !== type || this.reserved.has(local); n++) local = `${plain}.${n}`;
    this.declared.set(local, type);
    const itself = (): Linear => atomic({ key: local, wat: ["local.get", local], range: range ?? rangeOfType("i32"), level: this.loops.length + (counts ? 1 : 0) });
    this.bindings.set(name, { local, range, form: mutable || type !== "i32" ? undefined : (form ?? itself()), splat });
    this.taken.add(local);
    return local;
  }

  parameter(name: string, type: ValueType): string {
    const local = this.declare(name, type);
    this.parameters.add(local);
    this.reserved.add(local);
    return local;
  }

  /** A parameter whose name cannot meet one of the program. */
  ownParameter(name: string, type: ValueType): void {
    this.parameters.add(this.own(name, type));
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

  rangeOf = (expr: KernelExpr): Range => rangeOf(expr, (name) => this.bindings.get(name)?.range, { groups: this.groups ?? 1, loops: this.loopSteps });

  /**
   * The form of an index; undefined where it depends on what may change. `write` gives the text of what is not linear; an index that is kept
   * as a name (`kept`) must consist of locals, so that nothing is computed again where it is used.
   */
  linearOf(expr: KernelExpr, write: (expr: KernelExpr) => Wat, kept = false): Linear | undefined {
    return linearOf(expr, (part) => {
      if (part.kind === "name") return this.bindings.get(part.name)?.form;
      const level = kept && part.kind !== "group" && part.kind !== "loop-index" ? undefined : this.levelOf(part);
      if (level === undefined) return undefined;
      const wat = write(part);
      return atomic({ key: JSON.stringify(wat), wat, range: this.rangeOf(part), level });
    });
  }

  /** Loops around the last name of arithmetic on names that do not change; undefined for other expressions. */
  private levelOf(expr: KernelExpr): number | undefined {
    switch (expr.kind) {
      case "constant":
      case "group":
      case "loop-index":
        return 0;
      case "name": {
        const form = this.bindings.get(expr.name)?.form;
        return form && Math.max(0, ...form.terms.map(({ atom }) => atom.level));
      }
      case "binary": {
        const [left, right] = [this.levelOf(expr.left), this.levelOf(expr.right)];
        return left === undefined || right === undefined ? undefined : Math.max(left, right);
      }
      default:
        return undefined;
    }
  }

  /**
   * A local with the byte address of a form. It is computed where it costs least: an address that does not change in a loop before the loop,
   * one that grows with the loop's variable alone before the loop, and stepped after each turn; else before the statement.
   */
  base(form: Linear): string {
    const key = keyOf(form);
    const known = this.bases.get(key) ?? this.loops.findLast(({ bases }) => bases.has(key))?.bases.get(key);
    if (known !== undefined) return known;
    const level = Math.max(0, ...form.terms.map(({ atom }) => atom.level));
    const local = `$byte:${this.baseCount++}`;
    this.declared.set(local, "i32");
    const stepped = this.loops[level - 1];
    const inner = this.loops[level];
    const moving = form.terms.filter(({ atom }) => atom.level === level);
    const computed = (at: Linear): Wat => ["local.set", local, byteAddress(at)];
    if (stepped && moving.length === 1 && moving[0]!.atom.key === stepped.local) {
      stepped.bases.set(key, local);
      stepped.before.push(computed(stepped.first === undefined ? form : withAtom(form, stepped.local, stepped.first)));
      stepped.after.push(["local.set", local, ["i32.add", ["local.get", local], ["i32.const", String((4 * stepped.step * moving[0]!.factor) | 0)]]]);
    } else if (inner) {
      inner.bases.set(key, local);
      inner.before.push(computed(form));
    } else {
      this.bases.set(key, local);
      this.before.push(computed(form));
    }
    return local;
  }

  /** Writes the body of a loop over a local; gives what comes before the first turn and after each as well. */
  loop(local: string, first: number | undefined, step: number, write: () => readonly Wat[]): { readonly before: readonly Wat[]; readonly body: readonly Wat[] } {
    const loop: Loop = { local, first, step, bases: new Map(), before: [], after: [] };
    this.loops.push(loop);
    const body = this.block(write);
    this.loops.pop();
    return { before: loop.before, body: [...body, ...loop.after] };
  }

  /** Writes statements one after another, each behind what it needs computed. */
  statements<T>(list: readonly T[], write: (each: T) => readonly Wat[]): readonly Wat[] {
    const outer = this.before;
    const text = list.flatMap((each) => {
      this.before = [];
      const written = write(each);
      return [...this.before, ...written];
    });
    this.before = outer;
    return text;
  }

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
    const [outer, outerTaken, outerBases] = [this.bindings, this.taken, this.bases];
    [this.bindings, this.taken, this.bases] = [new Map(outer), new Set(outerTaken), new Map(outerBases)];
    const result = write();
    [this.bindings, this.taken, this.bases] = [outer, outerTaken, outerBases];
    return result;
  }

  /** `(local …)` for those that are used, but for the parameters. */
  locals(used: ReadonlySet<string>): readonly Wat[] {
    return (["i32", "f32", "v128"] as const).flatMap((type) => {
      const names = [...this.declared].filter(([name, of]) => of === type && used.has(name) && !this.parameters.has(name)).map(([name]) => name);
      return names.map((name): Wat => ["local", name, type]);
    });
  }
}
