/** A word of the language, or a network, with its documentation and how it is called. */
export interface Documented {
  readonly kind: DocumentedKind;
  readonly name: string;
  /** Markdown. */
  readonly doc: string;
  /** The ways to call it; none for a plain word. */
  readonly forms: readonly Form[];
}

export type DocumentedKind =
  | "function" | "layer" | "distribution" | "noise schedule" | "constant" | "type" | "first value"
  | "setting" | "objective" | "option" | "value" | "optimizer" | "rate schedule" | "data" | "term"
  | "estimator" | "family" | "keyword" | "sign" | "network";

export interface Form {
  readonly parameters: readonly FormParameter[];
  /** How many may be given without their names; all where it is left out. */
  readonly positional?: number;
  /** Arguments stand by position only. */
  readonly unnamed?: true;
}

export interface FormParameter {
  readonly name: string;
  /** Markdown. */
  readonly doc: string;
  /** What is given: `positive[n]`, `size`, `"same"`. */
  readonly type?: string;
  /** As it is written. */
  readonly default?: string;
  /** May be left out, with no value. */
  readonly optional?: true;
  /** Takes any number of arguments. */
  readonly many?: true;
  /** Words that may be given. */
  readonly choices?: readonly string[];
  /** What may be given, where it is not computed: a constant, a distribution, a word. */
  readonly takes: "value" | "constant" | "distribution" | "word" | "rate" | "name";
}

/** `adam(rate = 1e-3, beta1 = 0.9)`, `dense(x, units, …)`: with the place of each parameter in the text. */
export function writeForm(name: string, form: Form, result = ""): { readonly label: string; readonly places: readonly (readonly [number, number])[] } {
  let label = `${name}(`;
  const places = form.parameters.map((parameter, at): readonly [number, number] => {
    if (at > 0) label += ", ";
    const start = label.length;
    label += writeParameter(parameter);
    return [start, label.length];
  });
  return { label: `${label})${result}`, places };
}

function writeParameter({ name, type, default: value, optional, many }: FormParameter): string {
  const typed = type === undefined ? name : `${name}: ${type}`;
  if (value !== undefined) return `${typed} = ${value}`;
  return many ? `${typed}, …` : optional ? `${typed} = …` : typed;
}

/** Whether an argument must be given. */
export function isRequired({ default: value, optional }: FormParameter): boolean {
  return value === undefined && !optional;
}
