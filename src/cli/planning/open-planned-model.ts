import { openTrained } from "../training/trained-model.js";
import type { OpenPlannedModel } from "./planned-model.js";

/** A trained model as `lvmc plan` takes it. */
export const openPlannedModel: OpenPlannedModel = async (context, file, options) => {
  const { model, compiled, run } = await openTrained(context, file, options);
  return {
    name: model.description.name,
    columns: compiled.lowered.program.columns.map(({ name, type, role, partlyObserved }) => ({ name, support: type.support as never, shape: type.shape.map(({ value }) => value), partlyObserved, role })),
    run: run.folder,
    step: model.step,
    device: model.device,
    latentModel: async ({ reward, actions }) => model.latentModel({ reward, actions: actions.name }),
    dispose: () => model.dispose(),
  };
};
