import { InternalError } from "./internal-error.js";

/** Closes a switch over a union: the compiler names a missing case, and a value from outside the types is our bug. */
export function assertNever(value: never): never {
  throw new InternalError(`unexpected ${JSON.stringify(value)}`);
}
