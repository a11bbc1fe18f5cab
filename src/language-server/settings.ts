/** What users switch, under `lvmc.` in their editor's settings. */
export interface Settings {
  readonly inlayHints: {
    /** Sizes after each layer, latent and binding. */
    readonly shapes: boolean;
    /** How each guide site's gradient is estimated. */
    readonly estimators: boolean;
  };
  /** Train · Objective · Graph above each model. */
  readonly codeLens: boolean;
}

export const defaultSettings: Settings = { inlayHints: { shapes: true, estimators: true }, codeLens: true };

/** Settings from what a client sends: anything. What is no truth value keeps its default. */
export function readSettings(given: unknown): Settings {
  const root = record(given);
  const hints = record(root["inlayHints"]);
  const truth = (value: unknown, otherwise: boolean): boolean => (typeof value === "boolean" ? value : otherwise);
  return {
    inlayHints: { shapes: truth(hints["shapes"], defaultSettings.inlayHints.shapes), estimators: truth(hints["estimators"], defaultSettings.inlayHints.estimators) },
    codeLens: truth(root["codeLens"], defaultSettings.codeLens),
  };
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
