import type * as ast from "../../parser/ast.js";
import type { Diffusion } from "../../ir/model/model.js";
import { unit } from "../../types/support.js";
import { printType, sameShape, type Type } from "../../types/type.js";
import type { Context } from "../context.js";
import { accepts } from "../expressions/accepts.js";
import { elaborate } from "../expressions/elaborate.js";
import { lookup, type Scope } from "../scope.js";

/** The variance of the reverse step: `small` (the default), `large`, or an expression in `unit` that is between both. Undefined (reported) otherwise. */
export function readVariance(context: Context, scope: Scope, written: ast.Argument | undefined, datum: { readonly name: string; readonly type: Type; readonly span: ast.Identifier["span"] }, continuous: boolean): Pick<Diffusion, "variance" | "mix"> | undefined {
  if (!written) return { variance: "small" };
  const { value } = written;
  if (value.kind === "name") {
    if (value.name === "small" || value.name === "large") return { variance: value.name };
    if (!lookup(scope, value.name)) {
      context.error({
        code: "LVM4060", message: "the variance of the reverse step is `small`, `large`, or between them as a network says", span: value.span, label: "another word",
        related: [{ span: datum.span, text: "the datum" }],
        help: "`small` is that of the posterior given the datum, `large` that of the forward step (Ho et al. 2020); `variance = net.mix` with an output in `unit` is learnt (Nichol & Dhariwal 2021)",
      });
      return undefined;
    }
  }
  const mix = elaborate(context, scope, value);
  if (!mix) return undefined;
  const wrong = (message: string, label: string, help: string): undefined => void context.error({ code: "LVM4067", message, span: value.span, label, related: [{ span: datum.span, text: "the datum" }], help });
  if (continuous) return wrong("in continuous time no variance is left to learn", "between two that are one", "remove `variance`: a step as short as one likes has the forward step's variance (Kingma et al. 2021); a chain of steps runs over `T..1`");
  const shape = datum.type.shape.map(({ value: size }) => size).join(", ");
  const wanted = `unit${shape === "" ? "" : `[${shape}]`}`;
  if (!accepts(unit, mix)) return wrong(`the variance of the reverse step is ${printType(mix.type)}, and must lie between \`small\` and \`large\``, "not between 0 and 1", `end the network's output with \`|> sigmoid\`, and declare it \`${wanted}\`: 0 is the small variance, 1 the large one`);
  if (mix.type.shape.length > 0 && !sameShape(mix.type, datum.type)) return wrong(`the variance of the reverse step is ${printType(mix.type)}, and the datum is ${printType(datum.type)}`, "another shape", `declare the network's output \`${wanted}\`, one for each element, or \`unit\`, one for all`);
  return { variance: "learnt", mix };
}
