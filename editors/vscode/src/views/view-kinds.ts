import type { GraphView, ObjectiveView } from "../../../../src/language-server/features/views.js";

/** What is shown of a model, and what of it leads to the source. */
export interface Shown {
  readonly model: string;
  readonly markup: string;
  readonly targets: readonly { readonly id: string; readonly range: Range }[];
}

export interface Range {
  readonly start: { readonly line: number; readonly character: number };
  readonly end: { readonly line: number; readonly character: number };
}

interface Kind {
  readonly title: string;
  /** The server's request. */
  readonly method: string;
  readonly read: (answer: unknown) => Shown;
}

export type ViewKind = "objective" | "graph";

/** The views: their requests are those of `language-server/features/views.ts`. */
export const viewKinds: Readonly<Record<ViewKind, Kind>> = {
  objective: {
    title: "Objective",
    method: "lvmc/objective",
    read: (answer) => {
      const { model, mathml, terms } = answer as ObjectiveView;
      return { model, markup: mathml, targets: terms.map(({ name, range }) => ({ id: name, range })) };
    },
  },
  graph: {
    title: "Graph",
    method: "lvmc/graph",
    read: (answer) => {
      const { model, svg, nodes } = answer as GraphView;
      return { model, markup: svg, targets: nodes };
    },
  },
};

/** The smallest target around a place. */
export function targetAt({ targets }: Shown, line: number, character: number): string | undefined {
  const before = (a: Range["start"], b: Range["start"]): boolean => a.line < b.line || (a.line === b.line && a.character <= b.character);
  const here = { line, character };
  const around = targets.filter(({ range }) => before(range.start, here) && before(here, range.end));
  return around.reduce<(typeof around)[number] | undefined>((best, each) => (best && before(each.range.start, best.range.start) && before(best.range.end, each.range.end) ? best : each), undefined)?.id;
}
