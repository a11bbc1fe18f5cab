import type * as ast from "../../parser/ast.js";
import type { ModelProgram } from "../../ir/model/model.js";
import type { Context } from "../context.js";
import { usedBy } from "../program.js";
import type { Scope } from "../scope.js";
import { checkTraining } from "../training.js";
import { checkDiffusion } from "./check-diffusion.js";

/** The program of a diffusion: its columns, its chain, and what its network learns. */
export function checkDiffusionProgram(context: Context, model: ast.ModelItem, guide: ast.GuideItem | undefined, train: ast.TrainItem | undefined, fileScope: Scope): ModelProgram | undefined {
  const checked = checkDiffusion(context, model, guide, fileScope);
  const [datum] = checked?.columns ?? [];
  const training = checkTraining(context, train, {
    name: model.name.name, origin: model.name.span, latents: [{ name: datum?.name ?? "x", scope: "row", origin: model.name.span, guided: "distribution" }],
    observed: datum ? [{ name: datum.name, origin: datum.origin, partly: false }] : [], sound: checked !== undefined, diffusion: { learntVariance: checked?.diffusion.mix !== undefined },
  });
  if (!checked) return undefined;
  const { columns, diffusion } = checked;
  return {
    name: model.name.name, doc: model.doc, source: model.span.source, origin: model.span, columns, ...usedBy(context, [diffusion.network, ...(diffusion.mix ? [diffusion.mix] : []), ...diffusion.bindings.map(({ value }) => value)]),
    model: [], guide: [], training, diffusion,
  };
}
