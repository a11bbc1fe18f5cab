import type { Span } from "../../diagnostics/span.js";
import type { Plate } from "../../ir/model/model.js";
import type { Type } from "../../types/type.js";
import type { Body } from "../body.js";
import { declare, type Scope } from "../scope.js";
import { uniqueName } from "../unique-name.js";

/** The states of a diffusion. */
export interface States {
  readonly name: string;
  /** Of one of them. */
  readonly type: Type;
  /** The datum's declaration. */
  readonly declared: Span;
}

/** x[0], …, x[T] can be read in a chain, and x[0] and x[t] in continuous time. */
export function declareStates(body: Body, scope: Scope, { name, type, declared }: States, plate: Plate): void {
  const own: Plate = { name: uniqueName(`${plate.name}`, body.plates), from: 0, size: plate.from + plate.size, origin: plate.origin };
  body.plates.add(own.name);
  declare(scope, { kind: "site", name, declared, type, plates: [own], indexed: true, chained: plate.chain ?? "up" });
}
