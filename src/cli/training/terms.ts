import type { DerivedModel } from "../../driver/derive.js";

type Terms = DerivedModel["training"]["terms"];

/** What the progress line shows of an objective: its reconstruction, and a KL for each latent. */
export interface TermSummary {
  readonly reconstruction?: number;
  readonly kl: readonly { readonly name: string; readonly value: number }[];
}

/**
 * Sums terms (nats per row, unweighted, as they enter the bound) into a reconstruction and the KL of each latent or group: −Σ of its closed-form
 * KL, log-ratio, cross-entropy and entropy. A latent of which one of these is inside `evidence` has no KL of its own.
 */
export function summarizeTerms(terms: Terms, values: Readonly<Record<string, number>>): TermSummary {
  const groups = new Map<string, number>();
  const groupOf = (sites: readonly string[]): string => terms.find((term) => term.kind === "entropy" && sites.some((site) => term.sites.includes(site)))?.sites.join("+") ?? sites.join("+");
  let reconstruction: number | undefined;
  for (const term of terms) {
    const value = values[term.name];
    // What a stage before adds to the bound is no divergence of this one.
    if (value === undefined || term.frozen) continue;
    if (term.kind === "reconstruction" || term.kind === "evidence") reconstruction = (reconstruction ?? 0) + value;
    else if (term.kind === "kl" || term.kind === "log-ratio" || term.kind === "cross-entropy" || term.kind === "entropy") {
      const group = groupOf(term.sites);
      groups.set(group, (groups.get(group) ?? 0) - value);
    }
  }
  const inside = new Set(terms.flatMap((term) => (term.kind === "evidence" ? term.factors : [])));
  const kl = [...groups].filter(([name]) => !name.split("+").some((site) => inside.has(site))).map(([name, value]) => ({ name, value }));
  return { ...(reconstruction === undefined ? {} : { reconstruction }), kl };
}

/** What the bound is called on a line. */
export function boundName(bound: DerivedModel["training"]["bound"]): string {
  return bound === "likelihood" ? "log p" : bound === "posterior" ? "log posterior" : "ELBO";
}
