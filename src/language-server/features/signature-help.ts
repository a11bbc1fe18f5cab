import { type MarkupKind, type ParameterInformation, type SignatureHelp, type SignatureInformation } from "vscode-languageserver";
import type { Analysis } from "../analysis.js";
import { type Bracket, cursorAt, nameOfArgument } from "../cursor.js";
import { type Documented, type Form, writeForm } from "../documentation/documented.js";
import type { Feature } from "../feature.js";
import { markup, preferredMarkup, text } from "../markup.js";
import { offsetOf } from "../positions.js";
import { calledBy, outputsText } from "../vocabulary.js";

/** How what is being called is called, with the argument that is being written. */
export const signatureHelp: Feature = {
  capabilities: () => ({ signatureHelpProvider: { triggerCharacters: ["(", ","], retriggerCharacters: ["=", ")"] } }),
  register({ connection, workspace, client }) {
    const { documentationFormat, parameterInformation } = client.textDocument?.signatureHelp?.signatureInformation ?? {};
    const style: SignatureStyle = { markup: preferredMarkup(documentationFormat), offsets: parameterInformation?.labelOffsetSupport === true };
    connection.onSignatureHelp(({ textDocument, position }) => {
      const analysis = workspace.analysis(textDocument.uri);
      return analysis ? signaturesAt(analysis, offsetOf(analysis.source, position), style) : null;
    });
  },
};

export interface SignatureStyle {
  readonly markup: MarkupKind;
  /** Whether a parameter is said by its place in the label. */
  readonly offsets: boolean;
}

/** The signatures of the innermost call around an offset; null where there is none. */
export function signaturesAt(analysis: Analysis, offset: number, style: SignatureStyle): SignatureHelp | null {
  const cursor = cursorAt(analysis.source, offset);
  if (cursor.place.kind === "none" && cursor.brackets.length === 0) return null;
  for (const bracket of cursor.brackets.toReversed()) {
    const called = calledBy(analysis, cursor, bracket);
    if (!called || called.forms.length === 0) continue;
    const given = givenIn(bracket, called);
    const activeSignature = Math.max(0, called.forms.findIndex((form) => given.names.every((name) => form.parameters.some((parameter) => parameter.name === name))));
    const signatures = called.forms.map((form) => signatureOf(analysis, called, form, activeParameter(form, given), style));
    const active = signatures[activeSignature]?.activeParameter;
    return { signatures, activeSignature, ...(active === undefined ? {} : { activeParameter: active }) };
  }
  return null;
}

interface Given {
  /** Parameters that have an argument before the one that is being written, and that one's, where it is known. */
  readonly names: readonly string[];
  /** The parameter of the argument that is being written. */
  readonly current: string | undefined;
}

/** Arguments by name, or by place among those of the first form. */
export function givenIn({ args, piped }: Bracket, { forms }: Documented): Given {
  const order = forms[0]?.parameters ?? [];
  const names: string[] = [];
  const take = (name: string | undefined): string | undefined => {
    const free = name ?? order.find((parameter) => parameter.many || !names.includes(parameter.name))?.name;
    if (free !== undefined && !names.includes(free)) names.push(free);
    return free;
  };
  if (piped) take(undefined);
  let current: string | undefined;
  for (const arg of args) current = take(nameOfArgument(arg));
  return { names, current };
}

function activeParameter({ parameters }: Form, { current }: Given): number | undefined {
  const at = parameters.findIndex(({ name }) => name === current);
  return at < 0 ? undefined : at;
}

function signatureOf(analysis: Analysis, called: Documented, form: Form, active: number | undefined, style: SignatureStyle): SignatureInformation {
  const { label, places } = writeForm(called.name, form, called.kind === "network" ? ` -> ${outputsText(analysis, called.name)}` : "");
  const parameters = form.parameters.map((parameter, at): ParameterInformation => {
    const [start, end] = places[at] ?? [0, 0];
    return { label: style.offsets ? [start, end] : label.slice(start, end), ...(parameter.doc === "" ? {} : { documentation: markup([text(parameter.doc)], style.markup) }) };
  });
  return { label, parameters, ...(called.doc === "" ? {} : { documentation: markup([text(called.doc)], style.markup) }), ...(active === undefined ? {} : { activeParameter: active }) };
}
