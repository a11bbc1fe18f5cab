import { closedFormKl } from "../distributions/kl.js";
import type { DistributionName } from "../distributions/names.js";
import { distributions } from "../distributions/registry.js";

/** Whether KL(left ‖ right) is in the table of closed forms. What the derivation asks of families by name stands in this file alone. */
export function hasClosedFormKl(left: DistributionName, right: DistributionName): boolean {
  return closedFormKl(left, right) !== undefined;
}

/** How the gradient passes through a draw of this distribution; `none` where it does not. */
export function reparameterizationOf(name: DistributionName): "reparameterization" | "implicit-reparameterization" | "deterministic" | "none" {
  switch (distributions[name].reparameterization) {
    case "location-scale":
    case "inverse-cdf":
      return "reparameterization";
    case "implicit":
      return "implicit-reparameterization";
    case "identity":
      return "deterministic";
    case "none":
      return "none";
  }
}

/** The parameter names that a reader knows by their place: those of the distribution's first parameterization. */
export function positionalParameters(name: DistributionName): readonly string[] {
  return distributions[name].parameterizations[0] ?? [];
}
