import type { Support } from "../../types/support.js";
import type { Distribution, ParameterSpec } from "../distribution.js";

type More = Partial<Pick<ParameterSpec, "default" | "constant" | "distribution">>;

/** A parameter that is one number for each element of the draw. */
export const scalarParameter = (name: string, support: Support, doc: string, more: More = {}): ParameterSpec => ({ name, support, eventRank: 0, doc, ...more });

/** A parameter that is a vector over the event or the categories. */
export const vectorParameter = (name: string, support: Support, doc: string, more: More = {}): ParameterSpec => ({ name, support, eventRank: 1, doc, ...more });

/** A parameter that is a matrix. */
export const matrixParameter = (name: string, support: Support, doc: string): ParameterSpec => ({ name, support, eventRank: 2, doc });

/** A support that no argument changes. */
export const always = (support: Support): Distribution["support"] => () => support;
