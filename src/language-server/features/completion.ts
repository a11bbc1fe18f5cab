import type { CompletionItem, MarkupContent, MarkupKind } from "vscode-languageserver";
import type { Analysis } from "../analysis.js";
import { cursorAt } from "../cursor.js";
import { settings } from "../documentation/training.js";
import { keywords } from "../documentation/words.js";
import type { Feature } from "../feature.js";
import { nameParts } from "../hover/name-parts.js";
import { sentence, wordParts } from "../hover/word-parts.js";
import { markup, preferredMarkup, text } from "../markup.js";
import { type About, completionItem } from "../completion/offer.js";
import { type Files, offersIn } from "../completion/offers.js";
import { type Situation, situationAt } from "../completion/situation.js";
import { offsetOf, rangeOf } from "../positions.js";
import { documentedIn } from "../vocabulary.js";

const triggers = ["~", ">", ".", "(", ",", "=", ":", "[", " ", "\"", "/"] as const;

/** What may be written at the cursor; its documentation when an item is looked at. */
export const completion: Feature = {
  capabilities: () => ({ completionProvider: { triggerCharacters: [...triggers], resolveProvider: true, completionItem: { labelDetailsSupport: true } } }),
  register({ connection, workspace, client }) {
    const support = client.textDocument?.completion?.completionItem;
    const kind = preferredMarkup(support?.documentationFormat);
    connection.onCompletion(({ textDocument: { uri }, position, context }) => {
      const analysis = workspace.analysis(uri);
      return analysis ? completionsAt(analysis, offsetOf(analysis.source, position), workspace, { uri, snippets: support?.snippetSupport === true, trigger: context?.triggerCharacter }) : null;
    });
    connection.onCompletionResolve((item) => {
      const data = item.data as { readonly uri: string; readonly about: About } | undefined;
      const documentation = data && documentationOf(data.about, workspace.analysis(data.uri), kind);
      return documentation ? { ...item, documentation } : item;
    });
  },
};

export interface CompletionStyle {
  readonly uri: string;
  readonly snippets: boolean;
  /** The letter that asked, where it was not the user. */
  readonly trigger?: string | undefined;
}

/** Everything that may be written at an offset; null where nothing may, or where a mere space or sign is no question. */
export function completionsAt(analysis: Analysis, offset: number, files: Files, { uri, snippets, trigger }: CompletionStyle): CompletionItem[] | null {
  const cursor = cursorAt(analysis.source, offset);
  const situation = situationAt(cursor);
  if (trigger !== undefined && !isAsked(situation, trigger)) return null;
  const { source } = analysis;
  const start = situation.kind === "import path" ? situation.start : cursor.word.start;
  const end = situation.kind === "import path" ? start + /^[^"\n]*/.exec(source.text.slice(start))![0].length : cursor.word.end;
  const style = { snippets, uri, range: rangeOf({ source, start, end }) };
  const offers = offersIn(analysis, cursor, situation, files);
  return offers.length === 0 ? null : offers.map((offer, at) => completionItem(offer, at, style));
}

/** Places in which only certain words can follow: there a space asks. */
const narrow: ReadonlySet<Situation["kind"]> = new Set(["import names", "model", "type", "distribution", "pipe", "estimator", "family", "sites", "objective", "constraint", "observe", "setting"]);

function isAsked(situation: Situation, trigger: string): boolean {
  switch (trigger) {
    case "~":
      return situation.kind === "distribution";
    case ">":
      return situation.kind === "pipe";
    case ".":
      return situation.kind === "member";
    case ":":
      return situation.kind === "type";
    case "\"":
    case "/":
      return situation.kind === "import path";
    case "=":
      return situation.kind === "setting" || (situation.kind === "expression" && situation.call !== undefined);
    case " ":
      return narrow.has(situation.kind) || (situation.kind === "expression" && situation.call !== undefined);
    default:
      return situation.kind === "size" || situation.kind === "expression" || situation.kind === "sites" || situation.kind === "distribution" || situation.kind === "constraint";
  }
}

function documentationOf(about: About, analysis: Analysis | undefined, kind: MarkupKind): MarkupContent | undefined {
  switch (about.kind) {
    case "word": {
      const documented = documentedIn(about.realm, about.name);
      return documented && markup(wordParts(documented), kind);
    }
    case "keyword": {
      const documented = keywords.get(about.name);
      return documented && markup([text(documented.doc)], kind);
    }
    case "setting": {
      const documented = settings.get(about.name);
      return documented && markup([text(sentence(documented.doc))], kind);
    }
    case "parameter":
      return markup([text(`${sentence(about.doc)}\n\nA parameter of \`${about.called}\`.`)], kind);
    case "name": {
      const declaration = analysis?.names.declarations.find(({ name, span }) => name === about.name && span.start === about.start);
      return analysis && declaration ? markup(nameParts(analysis, declaration), kind) : undefined;
    }
  }
}
