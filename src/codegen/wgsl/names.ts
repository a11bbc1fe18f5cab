import { InternalError } from "../../util/internal-error.js";

/**
 * A local name. Those of the builder (`row_12`) stay as they are; all others get an ending that no keyword, no reserved word and none of our own
 * helpers has.
 */
export function renderName(name: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw new InternalError(`${JSON.stringify(name)} is not a name for WGSL`);
  if (name.startsWith("_")) return `local${name}_u`;
  return /_[0-9]+$/.test(name) ? name : `${name}_`;
}

export function renderFunctionName(name: string): string {
  if (!/^[A-Za-z0-9_]+$/.test(name)) throw new InternalError(`${JSON.stringify(name)} is not a name for WGSL`);
  return `function_${name}_f`;
}
