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
