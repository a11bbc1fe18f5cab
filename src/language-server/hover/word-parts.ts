import { type Documented, type FormParameter, writeForm } from "../documentation/documented.js";
import { code, type Part, text } from "../markup.js";

/** A word of the language: how it is called, what it means, its parameters. */
export function wordParts({ name, doc, forms, kind }: Documented): readonly Part[] {
  const parameters = [...new Map(forms.flatMap(({ parameters: all }) => all.map((each) => [each.name, each] as const))).values()];
  const described = parameters.filter((each) => each.doc !== "" && each.doc !== "a value");
  return [
    code(forms.map((form) => writeForm(name, form).label).join("\n")),
    text(forms.length === 0 && kind !== "keyword" && kind !== "sign" ? `\`${name}\` (${kind})` : ""),
    text(sentence(doc)),
    text(described.map((each) => `- \`${each.name}\`: ${each.doc}${choicesOf(each)}`).join("\n")),
  ];
}

/** One parameter of a call. */
export function parameterParts(called: string, parameter: FormParameter): readonly Part[] {
  const { name, type, default: value, doc } = parameter;
  return [code(`${name}${type === undefined ? "" : `: ${type}`}${value === undefined ? "" : ` = ${value}`}`), text(`${sentence(doc)}${choicesOf(parameter)}\n\nA parameter of \`${called}\`.`)];
}

/** Words that the documentation does not name itself. */
function choicesOf({ choices, doc }: FormParameter): string {
  return choices?.some((choice) => !doc.includes(choice)) ? ` (${choices.map((choice) => `\`${choice}\``).join(", ")})` : "";
}

/** With a capital and a point; formulas and names at the beginning stay as they are. */
export function sentence(doc: string): string {
  const capital = /^[a-z]{2,}[ ,:]/.test(doc) ? `${doc.charAt(0).toUpperCase()}${doc.slice(1)}` : doc;
  return doc === "" || /[.!?:]$/.test(doc) ? capital : `${capital}.`;
}
