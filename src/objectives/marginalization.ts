import type { Step } from "../ir/model/model.js";
import { isProblem, layoutOf, placedSites, stepTable, windowsOf } from "../ir/model/summed-chains.js";
import { cardinality } from "../types/support.js";
import { elementCount } from "../types/type.js";
import type { Setting } from "./setting.js";

/** Marginalized sites that share factors, and those factors: one sum, one `evidence` term. */
export interface Component {
  /** Summed out, in the model's order. */
  readonly sites: readonly string[];
  /** All sites whose density is a factor of the sum, themselves included, in the model's order. */
  readonly factors: readonly string[];
}

/** Connected components of the factors that touch marginalized sites (union–find over the sites that one density reads together). */
export function marginalComponents(setting: Setting): readonly Component[] {
  const { graph } = setting;
  const parent = new Map<string, string>();
  const rootOf = (name: string): string => {
    let at = name;
    for (let up = parent.get(at); up !== undefined && up !== at; up = parent.get(at)) at = up;
    return at;
  };
  for (const site of graph.sites) if (graph.isMarginalized(site.name)) parent.set(site.name, site.name);
  const touched = (name: string): readonly string[] => {
    const reads = [...graph.modelReads(name).latents].filter((latent) => graph.isMarginalized(latent));
    return graph.isMarginalized(name) ? [name, ...reads] : reads;
  };
  for (const site of graph.sites) {
    const [first, ...others] = touched(site.name);
    if (first !== undefined) for (const other of others) parent.set(rootOf(other), rootOf(first));
  }
  const components = new Map<string, { sites: string[]; factors: string[] }>();
  for (const site of graph.sites) {
    const [first] = touched(site.name);
    if (first === undefined) continue;
    const root = rootOf(first);
    const component = components.get(root) ?? { sites: [], factors: [] };
    components.set(root, component);
    if (graph.isMarginalized(site.name)) component.sites.push(site.name);
    component.factors.push(site.name);
  }
  return [...components.values()];
}

/** Sites whose density is a factor of some sum, so that no term of their own holds it. */
export function summedFactors(components: readonly Component[]): ReadonlySet<string> {
  return new Set(components.flatMap((component) => component.factors));
}

/** How the chains of a component are summed: in words, and of which sites. Undefined where it has no chain. */
export interface ChainSum {
  readonly sites: readonly string[];
  readonly kind: "labels" | "gaussian";
  /** `summed out exactly by the forward algorithm: 20 × 3² = 180 additions`. */
  readonly how: string;
}

export function chainSum({ program, graph }: Pick<Setting, "program" | "graph">, { sites, factors }: Component): ChainSum | undefined {
  const steps: readonly Step[] = program.model;
  const placed = placedSites(steps, new Set(sites));
  const layout = layoutOf(steps, new Set(sites.filter((name) => placed.has(name))), factors);
  if (isProblem(layout) || !layout.chain) return undefined;
  const chained = layout.variables.filter(({ depth }) => depth > 0).map(({ site }) => site.name);
  if (graph.site(chained[0]!).type.support.kind === "real") {
    const windows = windowsOf(layout);
    const size = layout.variables.reduce((total, { site }) => total + elementCount(site.type) * windows.get(site.name)!, 0);
    return { sites: layout.variables.map(({ site }) => site.name), kind: "gaussian", how: `integrated out exactly by the Kalman filter: ${layout.chain.size} steps of a state of ${size} number${size === 1 ? "" : "s"}` };
  }
  const { powers, log10 } = stepTable(layout, ({ type }) => cardinality(type.support)! ** elementCount(type));
  const table = powers.map(({ values, power }) => (power === 1 ? String(values) : `${values}${superscript(power)}`)).join(" × ");
  return { sites: chained, kind: "labels", how: `summed out exactly by the forward algorithm: ${layout.chain.size} × ${table} = ${Math.round(layout.chain.size * 10 ** log10).toLocaleString("en-US")} additions` };
}

const superscript = (power: number): string => [...String(power)].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]!).join("");
