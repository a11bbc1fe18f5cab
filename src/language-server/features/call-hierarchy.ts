import type { CallHierarchyIncomingCall, CallHierarchyItem, CallHierarchyOutgoingCall } from "vscode-languageserver";
import type { Span } from "../../diagnostics/span.js";
import type * as ast from "../../parser/ast.js";
import type { Feature } from "../feature.js";
import { meaningAt, placesOf, resolved } from "../meaning.js";
import { contains, offsetOf, rangeOf } from "../positions.js";
import type { Workspace } from "../workspace.js";
import { itemSymbols } from "./symbols.js";

/** What computes with which network: networks call networks, models and guides call networks. */
export const callHierarchy: Feature = {
  capabilities: () => ({ callHierarchyProvider: true }),
  register({ connection, workspace }) {
    const { callHierarchy: asked } = connection.languages;
    asked.onPrepare(({ textDocument: { uri }, position }) => {
      const file = workspace.syntax(uri);
      const item = file && callerAt(workspace, uri, offsetOf(file.source, position));
      return item ? [itemOf(item)] : null;
    });
    asked.onIncomingCalls(({ item }) => {
      const caller = again(workspace, item);
      return caller ? [...incoming(workspace, caller)] : null;
    });
    asked.onOutgoingCalls(({ item }) => {
      const caller = again(workspace, item);
      return caller ? [...outgoing(workspace, caller)] : null;
    });
  },
};

type CallerItem = ast.NetworkItem | ast.ModelItem | ast.GuideItem;

/** Something that calls networks, or is one. */
export interface Caller {
  readonly uri: string;
  readonly item: CallerItem;
}

const calls = (item: ast.Item): item is CallerItem => item.kind === "network" || item.kind === "model" || item.kind === "guide";

/** The network that is named at an offset, else the model or guide whose name stands there. */
export function callerAt(workspace: Workspace, uri: string, offset: number): Caller | undefined {
  const item = workspace.syntax(uri)?.module.items.find((each) => calls(each) && contains(each.name.span, offset));
  if (item && calls(item)) return { uri, item };
  const meaning = meaningAt(workspace, uri, offset);
  return meaning && (meaning.declaration.node.kind === "network" || meaning.declaration.node.kind === "model") && calls(meaning.declaration.node) ? { uri: meaning.uri, item: meaning.declaration.node } : undefined;
}

/** An item that was given before; the text may have changed since. */
function again(workspace: Workspace, { uri, selectionRange }: CallHierarchyItem): Caller | undefined {
  const file = workspace.syntax(uri);
  return file && callerAt(workspace, uri, offsetOf(file.source, selectionRange.start));
}

function itemOf({ uri, item }: Caller): CallHierarchyItem {
  return { name: item.name.name, kind: itemSymbols[item.kind], detail: item.kind, uri, range: rangeOf(item.span), selectionRange: rangeOf(item.name.span) };
}

export function incoming(workspace: Workspace, { uri, item }: Caller): readonly CallHierarchyIncomingCall[] {
  const meaning = item.kind === "network" ? meaningAt(workspace, uri, item.name.span.start) : undefined;
  const places = meaning ? placesOf(workspace, meaning).filter((place) => place.role === "read" && calls(place.item) && place.item.name.span.start !== place.span.start) : [];
  return grouped(places, (place) => place.item).map(([from, group]) => ({ from: itemOf({ uri: group[0]!.uri, item: from as CallerItem }), fromRanges: group.map(({ span }) => rangeOf(span)) }));
}

export function outgoing(workspace: Workspace, { uri, item }: Caller): readonly CallHierarchyOutgoingCall[] {
  const file = workspace.syntax(uri)!;
  const reads = file.names.occurrences.filter((each) => each.item === item && each.role === "read").map(({ span, declaration }) => ({ span, network: resolved(workspace, uri, file, declaration) }));
  const called = reads.filter(({ network }) => network.declaration.kind === "network");
  return grouped(called, ({ network }) => network.declaration).map(([, group]: readonly [unknown, readonly { readonly span: Span; readonly network: (typeof called)[number]["network"] }[]]) => {
    const { network } = group[0]!;
    return { to: itemOf({ uri: network.uri, item: network.declaration.node as ast.NetworkItem }), fromRanges: group.map(({ span }) => rangeOf(span)) };
  });
}

function grouped<T, K>(all: readonly T[], keyOf: (each: T) => K): readonly (readonly [K, readonly T[]])[] {
  const groups = new Map<K, T[]>();
  for (const each of all) groups.set(keyOf(each), [...(groups.get(keyOf(each)) ?? []), each]);
  return [...groups];
}
