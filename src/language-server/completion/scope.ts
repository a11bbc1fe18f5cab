import type * as ast from "../../parser/ast.js";
import { real, type Support, type SupportKind } from "../../types/support.js";
import { jointRank } from "../../types/support.js";
import { isName } from "../../parser/segment.js";
import * as t from "../../parser/tokens.js";
import type { Analysis } from "../analysis.js";
import { type Cursor, itemOf, loopVariables } from "../cursor.js";
import type { Declaration } from "../names.js";
import { guideItem, modelItem } from "../vocabulary.js";
import type { SiteFacts } from "./fits.js";

/** The item around a cursor, as far as it was read. */
export function itemAround({ module }: Analysis, cursor: Cursor): ast.Item | undefined {
  const around = itemOf(cursor);
  return module.items.findLast((item) => item.kind !== "import" && item.kind === around?.word && item.name.name === around.name && item.span.start <= cursor.offset);
}

/** The model around a cursor, or the one whose guide or train block that is. */
export function modelAround(analysis: Analysis, cursor: Cursor): ast.ModelItem | undefined {
  const item = itemAround(analysis, cursor);
  return item?.kind === "model" ? item : item?.kind === "guide" || item?.kind === "train" ? modelItem(analysis, item.name.name) : undefined;
}

/** Names whose values can be read at a cursor: those of the file, and of the item those that stand above; in a chain those of its steps before. */
export function readableAt(analysis: Analysis, cursor: Cursor): readonly Declaration[] {
  const item = itemAround(analysis, cursor);
  const model = item?.kind === "guide" ? modelItem(analysis, item.name.name) : undefined;
  const chain = cursor.blocks.find(([word]) => word?.tokenType === t.keywords.chain)?.[0]?.startOffset;
  const statement = cursor.head[0]?.startOffset ?? cursor.word.start;
  /** Given a value above this statement, or, for each step, in the chain around it. */
  const given = ({ start }: ast.Node["span"], stepwise: boolean): boolean => start < statement || (stepwise && chain !== undefined && start > chain);
  const written = (declaration: Declaration): boolean => analysis.names.of(declaration).some(({ role, span, item: place }) => role === "write" && place === item && given(span, declaration.kind !== "output"));
  return analysis.names.declarations.filter((declaration) => {
    const { kind, owner, node, span } = declaration;
    if (owner === undefined) return kind === "constant" || kind === "parameter" || kind === "import";
    if (kind === "loop variable" || kind === "network" || kind === "model") return false;
    const partly = kind === "column" && node.kind === "column" && (node.type.optional || node.indices.length > 0);
    if (owner === model) return kind === "column" ? !partly || written(declaration) : kind === "latent" && written(declaration);
    if (owner !== item || item.kind === "train") return false;
    return kind === "column" || kind === "input" || (kind === "output" ? written(declaration) : given(span, (node.kind === "let" || node.kind === "sample") && node.indices.length > 0));
  });
}

/** Constants of the file and of its imports; without arrays where a size is meant. */
export function constantsOf({ names, facts }: Analysis, numbers: boolean): readonly Declaration[] {
  return names.declarations.filter(({ kind, name, owner }) => {
    if (owner !== undefined || (kind !== "constant" && kind !== "import")) return false;
    const constant = facts.context.constants.get(name);
    return constant ? !numbers || constant.value.kind === "number" : kind === "constant";
  });
}

/** Random variables of a model that its guide has to infer, with the entry that it has. */
export function latentsOf(analysis: Analysis, model: ast.ModelItem): readonly { readonly declaration: Declaration; readonly guided: boolean }[] {
  const guide = guideItem(analysis, model.name.name);
  return analysis.names.declarations
    .filter(({ owner, kind, node }) => owner === model && (kind === "latent" || (kind === "column" && node.kind === "column" && (node.type.optional || node.indices.length > 0))))
    .map((declaration) => ({ declaration, guided: guide !== undefined && analysis.names.of(declaration).some(({ role, item }) => role === "write" && item === guide) }));
}

/** The statements that draw a name, each with the number of loops around it. */
export function drawsOf(body: readonly ast.Statement[], name: string, depth = 0): readonly { readonly statement: ast.SampleStatement; readonly depth: number }[] {
  return body.flatMap((statement) => (statement.kind === "loop" ? drawsOf(statement.body, name, depth + 1) : statement.kind === "sample" && statement.name.name === name ? [{ statement, depth }] : []));
}

/** What the site on the left of the `~` before a cursor is; undefined where its type is not known. */
export function siteAt(analysis: Analysis, cursor: Cursor): (SiteFacts & { readonly name: string; readonly global: boolean; readonly partly: boolean; readonly loops: number }) | undefined {
  const item = itemAround(analysis, cursor);
  const model = modelAround(analysis, cursor);
  const [first] = cursor.head;
  const name = first?.tokenType === t.keywords.global && isName(cursor.head[1]) ? cursor.head[1].image : first?.image;
  if (!name || !model) return undefined;
  const declaration = analysis.names.declarations.find((each) => each.owner === model && each.name === name && (each.kind === "latent" || each.kind === "column"));
  const type = declaration && typeNodeOf(declaration);
  const known = type ? analysis.facts.context.hover.get(type)?.type : undefined;
  const loops = loopVariables(cursor).length;
  const observed = declaration?.kind === "column";
  const support = known?.support ?? (type ? supportOf(analysis, type) : undefined);
  if (!support) return undefined;
  const rank = (known?.shape.length ?? (type ? type.sizes.length + (jointRank(support) === 2 ? 1 : 0) : 0)) - (observed ? loops : 0);
  return {
    name, support, loops, rank: Math.max(0, rank),
    role: item?.kind === "guide" ? "guide" : observed ? "observed" : "latent",
    global: declaration?.node.kind === "sample" && declaration.node.global,
    partly: declaration?.node.kind === "column" && declaration.node.type.optional,
  };
}

/** The support of a declaration, from its type alone. */
export function supportOfDeclaration(analysis: Analysis, declaration: Declaration): Support | undefined {
  const type = typeNodeOf(declaration);
  return type && (analysis.facts.context.hover.get(type)?.type?.support ?? supportOf(analysis, type));
}

function typeNodeOf({ node }: Declaration): ast.TypeExpression | undefined {
  return (node.kind === "column" || node.kind === "sample" || node.kind === "param" || node.kind === "local") ? node.type : undefined;
}

const plain: readonly SupportKind[] = ["real", "positive", "nonnegative", "unit", "binary", "count", "byte", "angle", "simplex", "ordered", "cholesky", "covariance"];

/** A type in a statement that was not checked. */
function supportOf({ facts }: Analysis, { name, args }: ast.TypeExpression): Support | undefined {
  const numbers = args.map((arg) => {
    const value = arg.kind === "name" ? facts.context.constants.get(arg.name)?.value : undefined;
    return arg.kind === "number" ? arg.value : value?.kind === "number" ? value.value : undefined;
  });
  const [first, second] = numbers;
  if (name.name === "index") return first === undefined ? undefined : { kind: "index", size: first };
  if (name.name === "interval") return first === undefined || second === undefined ? undefined : { kind: "interval", low: first, high: second };
  const kind = plain.find((each) => each === name.name);
  return kind === undefined ? undefined : ({ ...real, kind } as Support);
}
