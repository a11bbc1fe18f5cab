import type * as ast from "../../parser/ast.js";
import type { Diffusion } from "../../ir/model/model.js";
import { real } from "../../types/support.js";
import { printType, type Type } from "../../types/type.js";
import type { Context } from "../context.js";

/** The states of the chain that begins with a datum: real numbers of its shape. */
export const stateOf = (datum: Type): Type => ({ ...datum, support: real });

/** Whether Gaussian noise can be added to a datum: to numbers, and to bytes, which are scaled. Reported otherwise. */
export function checkDatum(context: Context, type: Type, datum: ast.ColumnDeclaration, model: ast.ModelItem): boolean {
  if (type.support.kind === "real" || type.support.kind === "byte") return true;
  const name = datum.name.name;
  context.error({
    code: "LVM4060",
    message: `\`${name}\` is ${printType(type)}, and Gaussian noise is real`,
    span: datum.type.span,
    label: "must be real, or bytes",
    related: [{ span: model.name.span, text: "the model" }],
    help: `declare \`${name}[0]: real${type.shape.length > 0 ? "[…]" : ""}\`; \`byte\` is scaled to lie between −1 and 1`,
  });
  return false;
}

/** `reconstruction = discretized`, the default of bytes, or `gaussian`, that of numbers. */
export function readReconstruction(context: Context, written: ast.Argument | undefined, datum: Type, declared: { readonly name: string; readonly span: ast.Identifier["span"] }): Diffusion["reconstruction"] | undefined {
  const bytes = datum.support.kind === "byte";
  if (!written) return bytes ? "discretized" : "gaussian";
  const word = written.value.kind === "name" ? written.value.name : "";
  if (word !== "discretized" && word !== "gaussian") {
    context.error({
      code: "LVM4065", message: "the reconstruction of a datum is `discretized` or `gaussian`", span: written.value.span, label: "another word",
      help: "`discretized` is the mass that the last step gives to a byte (Ho et al. 2020), `gaussian` its density",
    });
    return undefined;
  }
  if (word === "gaussian" || bytes) return word;
  context.error({
    code: "LVM4065", message: `\`${declared.name}\` is ${printType(datum)}: it has no bins whose mass could be taken`, span: written.value.span, label: "the mass of a byte's bin",
    related: [{ span: declared.span, text: "real numbers" }], help: `remove \`reconstruction\`: the density of real numbers is \`gaussian\`; for bytes declare \`${declared.name}[0]: byte${datum.shape.length > 0 ? "[…]" : ""}\``,
  });
  return undefined;
}
