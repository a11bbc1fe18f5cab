import type { Span } from "../diagnostics/span.js";
import type { Expr, Plate } from "../ir/model/model.js";
import type { Type } from "../types/type.js";
import type { Constant, NetworkSignature } from "./context.js";

interface EntityBase {
  readonly name: string;
  /** The declaration, for messages: `z: real[20]`. */
  readonly declared: Span;
  /** Why the name may not be read from here: `a guide cannot see what the model computes`. The name exists all the same. */
  readonly hidden?: string;
  /** What to do about it. */
  readonly hiddenHelp?: string;
}

/** What a name stands for. `type` is for one step of `plates`. */
export type Entity =
  | (EntityBase & { readonly kind: "column"; readonly type: Type })
  /** `indexed`: declared as `z[t] ~ …`; then `z[t]` reads this step and `z` alone the whole array. Else `z` reads this step. `chained`: a chain of this direction defines it, so no step outside its plate has a value; `defined`: above the chain, the positions that have one. */
  | (EntityBase & { readonly kind: "site"; readonly type: Type; readonly plates: readonly Plate[]; readonly indexed: boolean; readonly chained?: Plate["chain"]; readonly defined?: ReadonlySet<number> })
  | (EntityBase & { readonly kind: "binding"; readonly type: Type; readonly plates: readonly Plate[]; readonly indexed: boolean; readonly chained?: Plate["chain"]; readonly defined?: ReadonlySet<number> })
  /** A name of an expression that is read in its place. */
  | (EntityBase & { readonly kind: "value"; readonly expr: Expr })
  | (EntityBase & { readonly kind: "input"; readonly type: Type })
  /** `parameter` is its name in the program: a `local`'s differs from the name in the source. */
  | (EntityBase & { readonly kind: "parameter"; readonly type: Type; readonly parameter: string })
  | (EntityBase & { readonly kind: "constant"; readonly constant: Constant })
  | (EntityBase & { readonly kind: "loop-variable"; readonly plate: Plate })
  | (EntityBase & { readonly kind: "network"; readonly signature: NetworkSignature })
  /** `q = encoder(x)`: the named outputs of one call, shared by all who read them. */
  | (EntityBase & { readonly kind: "result"; readonly network: NetworkSignature; readonly outputs: ReadonlyMap<string, Expr>; readonly plates: readonly Plate[] })
  /** A declaration with a mistake in it: uses of the name stay silent. */
  | (EntityBase & { readonly kind: "broken" });

export type EntityKind = Entity["kind"];

/** Where layers may be used: the body of a network, which names its weights. */
export interface NetworkFrame {
  readonly name: string;
  /** The item's name: the same for all copies that `repeat` makes. */
  readonly item: string;
  /** How many layers of each kind there are so far. */
  readonly layers: Map<string, number>;
}

/** A frame of names with the frame around it. */
export interface Scope {
  readonly parent?: Scope;
  readonly entities: Map<string, Entity>;
  /** Loops around this place, outermost first. */
  readonly plates: readonly Plate[];
  /** Present inside networks only. */
  readonly network?: NetworkFrame;
  /** Names that were read from this frame: what is never read can be warned about. */
  readonly used: Set<string>;
}

export function createScope(parent?: Scope, inside: { readonly plate?: Plate; readonly network?: NetworkFrame } = {}): Scope {
  const plates = parent?.plates ?? [];
  return {
    parent,
    entities: new Map(),
    plates: inside.plate ? [...plates, inside.plate] : plates,
    network: inside.network ?? parent?.network,
    used: new Set(),
  };
}

/** Adds a name to this frame. Gives the entity of the same name that this frame already had; then nothing is added. */
export function declare(scope: Scope, entity: Entity): Entity | undefined {
  const earlier = scope.entities.get(entity.name);
  if (!earlier) scope.entities.set(entity.name, entity);
  return earlier;
}

/** The innermost entity of that name; marks it as used. Hidden ones are found too. */
export function lookup(scope: Scope, name: string): Entity | undefined {
  for (let frame: Scope | undefined = scope; frame; frame = frame.parent) {
    const entity = frame.entities.get(name);
    if (entity) {
      frame.used.add(name);
      return entity;
    }
  }
  return undefined;
}

/** Names that can be read from here, innermost first: candidates for a suggestion. */
export function visibleNames(scope: Scope): readonly string[] {
  const names = new Set<string>();
  for (let frame: Scope | undefined = scope; frame; frame = frame.parent) {
    for (const [name, entity] of frame.entities) if (!entity.hidden) names.add(name);
  }
  return [...names];
}
