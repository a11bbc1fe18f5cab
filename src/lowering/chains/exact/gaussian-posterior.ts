import type { Site } from "../../../ir/model/model.js";
import type { Term } from "../../../ir/objective/objective.js";
import { dims } from "../../../types/type.js";
import type { LoweringContext } from "../../context.js";
import type { Value } from "../../value.js";
import { kalmanFilter } from "./kalman.js";
import { block } from "./matrices.js";
import { ownPositions, placesOf } from "./posterior.js";
import { smoothed } from "./smoother.js";
import { systemOf } from "./summed-sites.js";

export interface GaussianPosterior {
  readonly site: Site;
  /** [..., shape of the site], along its plates. */
  readonly mean: Value;
  readonly draw: Value;
  /** [..., n, n] for n elements. */
  readonly covariance: Value;
}

/** Each chain of a term given all data: the smoothed means and covariances of its steps, and a draw of all of them together. */
export function gaussianPosterior(context: LoweringContext, term: Term): readonly GaussianPosterior[] {
  const { b } = context;
  const system = systemOf(context, term);
  const { mean, covariance, draw } = smoothed(context, system, kalmanFilter(context, system, term.sites.join("+")));
  return system.state.filter(({ lag }) => lag === 0).map(({ variable, start, size }) => {
    const own = (value: Value): Value => ownPositions(context, value, placesOf(variable));
    const shaped = (value: Value): Value => {
      const part = own(block(context, value, [start, size], [0, 1]));
      return { node: b.reshape(part.node, [...part.node.shape.slice(0, part.axes.length), ...dims(variable.site.type)]), axes: part.axes };
    };
    return { site: variable.site, mean: shaped(mean), draw: shaped(draw), covariance: own(block(context, covariance, [start, size], [start, size])) };
  });
}
