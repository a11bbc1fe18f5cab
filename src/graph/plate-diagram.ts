import type { Span } from "../diagnostics/span.js";
import { type Binding, type Diffusion, type DistributionCall, type Expr, letterOf, type ModelProgram, type Plate, type Reference } from "../ir/model/model.js";
import { argumentsOf, partsOf } from "../ir/model/walk.js";
import { printType, type Type } from "../types/type.js";

/** What a node is: a circle (filled where it is observed, half where it is so in some rows only), a box of given data, a dot of a learnt array. */
export type NodeRole = "latent" | "observed" | "partly observed" | "input" | "parameter";

export interface DiagramNode {
  /** Unique; the name as the file has it, for sites and columns. */
  readonly id: string;
  readonly label: string;
  readonly role: NodeRole;
  /** `real[20] ~ Normal`. */
  readonly detail: string;
  /** Plates around it, outermost first, by id. */
  readonly plates: readonly string[];
  readonly origin: Span;
}

export interface DiagramEdge {
  readonly from: string;
  readonly to: string;
  /** The guide's edges are dashed. */
  readonly side: "model" | "guide";
  /** Networks on the way, `encoder`, and what is read of another step, `t − 1`. */
  readonly label: string;
}

export interface DiagramPlate {
  readonly id: string;
  readonly label: string;
  readonly parent?: string;
}

/**
 * A model as a plate diagram (Buntine 1994; Bishop 2006, §8.1): what is drawn, what is given, what is learnt by name, and what depends on what; loops are plates, and so are the
 * rows. Weights of networks are not drawn: an edge names the networks that it passes.
 */
export interface PlateDiagram {
  readonly model: string;
  readonly nodes: readonly DiagramNode[];
  readonly edges: readonly DiagramEdge[];
  readonly plates: readonly DiagramPlate[];
}

const rowsPlate = "rows";

export function plateDiagram(program: ModelProgram): PlateDiagram {
  return program.diffusion ? diffusionDiagram(program, program.diffusion) : sitesDiagram(program);
}

function sitesDiagram(program: ModelProgram): PlateDiagram {
  const sites = program.model.flatMap((step) => (step.kind === "site" ? [step] : []));
  const drawn = new Set(sites.map(({ name }) => name));
  const draft = new Draft(program);
  for (const column of program.columns) if (!drawn.has(column.name) && column.name !== program.length?.column) draft.node(column.name, "input", printType(column.type), [], column.origin);
  for (const site of sites) {
    const role = site.role === "latent" ? "latent" : site.partlyObserved ? "partly observed" : "observed";
    draft.node(site.name, role, describe(site.type, site.distribution), site.sequence ? withStarts(site.plates, site.sequence.chain) : site.plates, site.origin, site.scope === "row");
  }
  for (const site of sites) for (const call of [site.distribution, ...(site.sequence?.starts.map(({ value }) => value) ?? [])]) draft.edges("model", site.name, call);
  for (const step of program.guide) {
    if (step.kind !== "guide-site") continue;
    for (const call of [step.distribution, ...(step.sequence?.starts.map(({ value }) => value) ?? [])]) draft.edges("guide", step.site, call);
  }
  return draft.done();
}

/** All positions of a chain's variable, those of its starts included, under the letter of its loop. */
function withStarts(plates: readonly Plate[], chain: Plate): readonly Plate[] {
  const own = plates.at(-1)!;
  const end = chain.written?.to ?? String(chain.chain === "down" ? own.from : own.from + own.size - 1);
  const start = String(chain.chain === "down" ? own.from + own.size - 1 : own.from);
  return [...plates.slice(0, -1), { ...own, written: { variable: letterOf(chain), from: start, to: end } }];
}

/** The states of the chain at both ends and around a step. */
function diffusionDiagram(program: ModelProgram, diffusion: Diffusion): PlateDiagram {
  const draft = new Draft(program);
  const { name, type, time, network, bindings, origin, guideOrigin, prior } = diffusion;
  const letter = letterOf(time.plate);
  const [last, before] = time.kind === "discrete" ? [String(time.plate.size), `${letter}−1`] : ["1", `${letter}−d${letter}`];
  const column = program.columns.find((each) => each.name === name);
  for (const given of program.columns) if (given.name !== name) draft.node(given.name, "input", `${printType(given.type)}${given.dropout === undefined ? "" : `, left out of ${given.dropout} of the rows`}`, [], given.origin);
  const state = (at: string): string => `${name}[${at}]`;
  draft.node(state(last), "latent", `${printType(type)} ~ Normal`, [], prior.origin);
  draft.node(state(letter), "latent", printType(type), [time.plate], guideOrigin);
  draft.node(state(before), "latent", `${printType(type)}, given ${state(letter)}: the guide's own step backwards`, [time.plate], origin);
  draft.node(state("0"), "observed", printType(column?.type ?? type), [], column?.origin ?? origin);
  const reads = draft.readsOf("model", [network], new Map(bindings.map((each) => [each.name, each])));
  const through = (read: (reference: Reference) => boolean): string => reads.find(({ reference }) => read(reference))?.networks.join(", ") ?? "";
  draft.edge({ from: state(last), to: state(letter), side: "model", label: "…" });
  draft.edge({ from: state(letter), to: state(before), side: "model", label: through(({ kind }) => kind === "site") });
  draft.edge({ from: state(before), to: state("0"), side: "model", label: "…" });
  draft.edge({ from: state(before), to: state(letter), side: "guide", label: "" });
  for (const { reference, networks } of reads) if (reference.kind === "column" && reference.name !== name) draft.edge({ from: reference.name, to: state(before), side: "model", label: networks.join(", ") });
  return draft.done();
}

function describe(type: Type, { distribution }: DistributionCall): string {
  return `${printType(type)} ~ ${distribution}`;
}

interface Read {
  readonly reference: Reference;
  /** `t − 1`, where another step is read. */
  readonly lag: string;
  /** Between it and the reader, the outermost first. */
  readonly networks: readonly string[];
}

/** A diagram in the making. */
class Draft {
  private readonly nodes: DiagramNode[] = [];
  private readonly madeEdges = new Map<string, DiagramEdge>();
  private readonly plates = new Map<string, DiagramPlate>();

  constructor(private readonly program: ModelProgram) {}

  node(id: string, role: NodeRole, detail: string, plates: readonly Plate[], origin: Span, inRow = true): void {
    const around: string[] = [];
    if (inRow) around.push(this.plate(rowsPlate, "rows", undefined));
    for (const plate of plates) around.push(this.loop(plate, around.at(-1)));
    this.nodes.push({ id, label: id, role, detail, plates: around, origin });
  }

  edges(side: DiagramEdge["side"], to: string, call: DistributionCall): void {
    for (const { reference, lag, networks } of this.readsOf(side, argumentsOf(call))) {
      if (!("name" in reference)) continue;
      const from = reference.kind === "parameter" ? this.parameter(reference.name) : reference.name;
      if (from === undefined || !this.nodes.some(({ id }) => id === from)) continue;
      this.edge({ from, to, side, label: [lag, networks.join(", ")].filter((each) => each !== "").join(" · ") });
    }
  }

  edge(edge: DiagramEdge): void {
    if (edge.from !== edge.to || edge.label !== "") this.madeEdges.set(`${edge.side} ${edge.from} ${edge.to} ${edge.label}`, edge);
  }

  /** What expressions read, through bindings and the arguments of networks. */
  readsOf(side: DiagramEdge["side"], roots: readonly Expr[], bindings: ReadonlyMap<string, Binding> = bindingsOf(this.program, side)): readonly Read[] {
    const found = new Map<string, Read>();
    const seen = new Set<string>();
    const walk = (expr: Expr, networks: readonly string[], lag: string): void => {
      if (expr.kind === "call") return walkAll(expr.args, networks.includes(expr.network) ? networks : [...networks, expr.network]);
      if (expr.kind === "step") return walk(expr.target, networks, lagText(expr.plate, expr.offset, this.firstOf(expr.target)));
      if (expr.kind !== "reference") return walkAll(partsOf(expr), networks);
      const { to } = expr;
      const key = `${to.kind} ${"name" in to ? to.name : ""} ${lag} ${networks.join()}`;
      if (seen.has(key)) return;
      seen.add(key);
      const binding = to.kind === "binding" ? bindings.get(to.name) : undefined;
      if (binding) walkAll([binding.value, ...(binding.sequence?.starts.map(({ value }) => value) ?? [])], networks);
      else found.set(key, { reference: to, lag, networks });
    };
    const walkAll = (exprs: readonly Expr[], networks: readonly string[]): void => {
      for (const expr of exprs) walk(expr, networks, "");
    };
    walkAll(roots, []);
    return [...found.values()];
  }

  done(): PlateDiagram {
    return { model: this.program.name, nodes: this.nodes, edges: [...this.madeEdges.values()], plates: [...this.plates.values()] };
  }

  /** The first value of the loop variable of the array that is read: `offset` counts from there. */
  private firstOf(target: Expr): number {
    const to = target.kind === "reference" ? target.to : undefined;
    const step = to?.kind === "site" || to?.kind === "binding" ? [...this.program.model, ...this.program.guide].find((each) => "name" in each && each.name === to.name) : undefined;
    return (step && "plates" in step ? step.plates[0]?.from : undefined) ?? 1;
  }

  /** A dot for a named parameter of the file, once it is read; weights of networks have none. */
  private parameter(name: string): string | undefined {
    const parameter = this.program.parameters.find((each) => each.name === name);
    if (!parameter || parameter.name.includes(".")) return undefined;
    if (!this.nodes.some(({ id }) => id === name)) this.node(name, "parameter", printType(parameter.type), [], parameter.origin, parameter.perRow);
    return name;
  }

  /** Loops of one letter over one range are one plate. */
  private loop(plate: Plate, parent: string | undefined): string {
    const { from = String(plate.from), to = String(plate.from + plate.size - 1) } = plate.written ?? {};
    const [first, last] = plate.chain === "down" ? [to, from] : [from, to];
    const label = `${letterOf(plate)} in ${plate.written ? `${from}..${to}` : `${first}..${last}`}`;
    return this.plate(`${parent ?? ""}/${letterOf(plate)} ${plate.from} ${plate.size}`, label, parent);
  }

  private plate(id: string, label: string, parent: string | undefined): string {
    if (!this.plates.has(id)) this.plates.set(id, { id, label, ...(parent === undefined ? {} : { parent }) });
    return id;
  }
}


function bindingsOf(program: ModelProgram, side: DiagramEdge["side"]): ReadonlyMap<string, Binding> {
  return new Map(program[side].flatMap((step) => (step.kind === "binding" ? [[step.name, step] as const] : [])));
}

function lagText(plate: Plate, offset: number, first: number): string {
  const distance = offset - 1 + first;
  return distance === 0 ? "" : `${letterOf(plate)} ${distance < 0 ? "−" : "+"} ${Math.abs(distance)}`;
}
