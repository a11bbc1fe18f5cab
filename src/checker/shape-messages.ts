import { lineOf, textOf, type Span } from "../diagnostics/span.js";
import type { Fix, Label } from "../diagnostics/diagnostic.js";
import type { Support } from "../types/support.js";
import { printType, type Size, type Type } from "../types/type.js";
import { choice, constantLine, freshName, replacement } from "../diagnostics/fix.js";
import type { Context } from "./context.js";
import { numbersIn } from "./rules/numbers-in.js";

/** What `Size.why` holds: the declaration or the layer that fixed a size. */
export interface SizeOrigin {
  /** `z`, `dense(400)`. */
  readonly subject: string;
  /** `z: real[16]`, `dense(400)`. */
  readonly span: Span;
  /** Where the type is written, when the size stands in a declaration. */
  readonly type?: Span;
}

export function originOf(size: Size | undefined): SizeOrigin | undefined {
  const why = size?.why;
  return typeof why === "object" && why !== null && "subject" in why ? (why as SizeOrigin) : undefined;
}

/** `line 18`, or `vae.lvm line 18` when it is in another file than the place that the message is about. */
export function placeOf(span: Span, here: Span): string {
  return span.source === here.source ? `line ${lineOf(span)}` : `${span.source.path} line ${lineOf(span)}`;
}

/** `a single number`, `16 numbers`, `[28, 28]`. */
export function printShape(type: Type): string {
  if (type.shape.length === 0) return "a single number";
  if (type.shape.length === 1) return type.shape[0]!.value === 1 ? "1 number" : `${type.shape[0]!.value} numbers`;
  return `[${type.shape.map((size) => size.value).join(", ")}]`;
}

function bareShape(type: Type): string {
  if (type.shape.length === 0) return "is a single number";
  if (type.shape.length === 1) return `has ${type.shape[0]!.value}`;
  return `has ${printShape(type)}`;
}

/** `z got its size on line 18: \`z: real[16]\``, for the first size that has a declaration. */
export function explainSize(size: Size | undefined, here: Span): string | undefined {
  const origin = originOf(size);
  if (!origin) return undefined;
  const text = oneLine(textOf(origin.span));
  return origin.type ? `${origin.subject} got its size on ${placeOf(origin.span, here)}: \`${text}\`` : `\`${text}\` on ${placeOf(origin.span, here)} gives ${size?.value}`;
}

function oneLine(text: string): string {
  const line = text.replace(/\s+/g, " ");
  return line.length > 60 ? `${line.slice(0, 57)}…` : line;
}

function contains(outer: Span, inner: Span): boolean {
  return outer.source === inner.source && outer.start <= inner.start && inner.end <= outer.end;
}

/** The first size of each shape that differs: by rank when the ranks do, else the first axis that does. */
function differing(left: Type, right: Type): readonly [Size | undefined, Size | undefined] {
  if (left.shape.length !== right.shape.length) return [left.shape[0], right.shape[0]];
  const axis = left.shape.findIndex((size, at) => size.value !== right.shape[at]?.value);
  return [left.shape[axis], right.shape[axis]];
}

export interface ShapeMismatch {
  /** The value that does not fit. */
  readonly span: Span;
  readonly actual: Type;
  readonly expected: Type;
  /** The place that asks for `expected`, with its words. */
  readonly wanted?: Label;
  readonly message?: string;
  readonly label?: string;
  readonly notes?: readonly string[];
  readonly help?: string;
}

/** Two shapes that should be equal: names the declarations that fixed both sizes, and offers to change the one that is written. */
export function reportShapeMismatch(context: Context, mismatch: ShapeMismatch): void {
  const { span, actual, expected, wanted } = mismatch;
  const [given, asked] = differing(actual, expected);
  const notes = [...(mismatch.notes ?? [])];
  const said = new Set<string>();
  const explain = (size: Size | undefined, shown: Span | undefined): void => {
    const origin = originOf(size);
    if (!origin || (shown && contains(shown, origin.span) && shown.end - shown.start <= origin.span.end - origin.span.start + 1)) return;
    if (wanted && (contains(wanted.span, origin.span) || contains(origin.span, wanted.span))) return;
    const text = explainSize(size, span);
    if (text && !said.has(text)) notes.push(text);
    if (text) said.add(text);
  };
  explain(given, span);
  explain(asked, wanted?.span);
  const { help, fixes } = mismatch.help ? { help: mismatch.help, fixes: undefined } : mend(context, actual, expected, given, asked, span);
  context.error({
    code: "LVM3004",
    message: mismatch.message ?? "shape mismatch",
    span,
    label: mismatch.label ?? `this ${bareShape(actual)}`,
    related: wanted ? [wanted] : [],
    notes,
    help,
    fixes,
  });
}

function mend(context: Context, actual: Type, expected: Type, given: Size | undefined, asked: Size | undefined, here: Span): { help?: string; fixes?: readonly Fix[] } {
  const origin = originOf(given);
  if (origin?.type && origin.type.source === here.source) {
    const declared = supportWritten(origin.type);
    const text = `${declared}[${expected.shape.map((size) => size.text ?? size.value).join(", ")}]`;
    if (expected.shape.length > 0 && isWritten(textOf(origin.type), actual)) {
      const line = lineOf(origin.type);
      return {
        help: `make both the same constant, or change line ${line} to \`${text}\``,
        fixes: sizeFixes(context, origin, given, asked, text),
      };
    }
  }
  if (actual.shape.length === 0 && expected.shape.length > 0) return { help: `give it the shape ${printType({ support: { kind: "real" }, shape: expected.shape }).slice(4)}: \`broadcast(…, ${expected.shape.map((size) => size.value).join(", ")})\` repeats a single number` };
  const units = given && originOf(given);
  if (units && !units.type && asked && /^dense\(/.test(units.subject)) {
    const size = String(asked.text ?? asked.value);
    const place = units.span.source === here.source ? numbersIn(units.span, given.value)[0] : undefined;
    return { help: `change \`${units.subject}\` to \`dense(${size})\``, fixes: place && [replacement(place, size, `Change \`${units.subject}\` to \`dense(${size})\``)] };
  }
  if (product(actual) === product(expected) && expected.shape.length > 0) {
    const [name, sizes] = expected.shape.length === 1 ? ["flatten", ""] : ["reshape", expected.shape.map((size) => size.text ?? size.value).join(", ")];
    const piped = sizes === "" ? name : `${name}(${sizes})`;
    return { help: `add \`|> ${piped}\``, fixes: [replacement(here, `${name}(${[textOf(here), sizes].filter((part) => part !== "").join(", ")})`, `Add \`|> ${piped}\``)] };
  }
  return { help: "make both the same constant" };
}

/**
 * Two sizes that are written as numbers: the one becomes the other, or both one constant. Inside the network that declares the size its layers count the same: `dense(3)` of an output
 * with 3 elements.
 */
function sizeFixes(context: Context, origin: SizeOrigin, given: Size | undefined, asked: Size | undefined, text: string): readonly Fix[] {
  const type = origin.type!;
  const network = [...context.networks.values()].find(({ signature }) => contains(signature.item.span, type))?.signature.item;
  const places = given && network ? numbersIn(network.span, given.value) : given ? numbersIn(type, given.value) : [];
  const inType = places.filter((place) => contains(type, place));
  if (!given || !asked || given.value === asked.value || inType.length !== 1) return [replacement(type, text, `Change the type to \`${text}\``)];
  const size = String(asked.text ?? asked.value);
  const change: Fix = { title: `Change the type to \`${text}\``, edits: places.map((span) => ({ span, text: size })) };
  const other = originOf(asked)?.type;
  const written = other && other.source === type.source && asked.text === String(asked.value) ? numbersIn(other, asked.value) : [];
  if (written.length !== 1) return [change];
  const stem = origin.subject.toUpperCase().replace(/\W/g, "_");
  const name = new RegExp(`\\b${stem}\\b`).test(type.source.text) ? freshName(stem, type) : stem;
  return [change, choice({ title: `Make both the constant \`${name}\``, edits: [constantLine(type.source, name, size), ...[...places, ...written].map((span) => ({ span, text: name }))] })];
}

function product(type: Type): number {
  return type.shape.reduce((total, size) => total * size.value, 1);
}

/** `index(K)` of `index(K)[7, 7]?`. */
function supportWritten(type: Span): string {
  const text = textOf(type).replace(/\?$/, "");
  const bracket = text.lastIndexOf("[");
  return (bracket < 0 ? text : text.slice(0, bracket)).trim();
}

/** Whether a type expression is that of the value itself, sizes in the same order: not of something that the value was computed from. */
function isWritten(written: string, type: Type): boolean {
  const bracket = written.lastIndexOf("[");
  const sizes = `[${type.shape.map((size) => size.text).join(",")}]`;
  return bracket >= 0 && !/^(cholesky|covariance)/.test(written) && written.slice(bracket).replace(/\s|\?$/g, "") === sizes.replace(/\s/g, "");
}

/** `|> softplus` and the like: what brings a real value into a support, when one function does. */
export function functionInto(support: Support): string | undefined {
  switch (support.kind) {
    case "positive":
    case "nonnegative":
      return "softplus";
    case "unit":
      return "sigmoid";
    case "simplex":
      return "softmax";
    case "interval":
      return support.low === -1 && support.high === 1 ? "tanh" : support.low === 0 && support.high === 1 ? "sigmoid" : undefined;
    default:
      return undefined;
  }
}

/** Help and quick fix that pipe the expression at `span` into a function that brings it into `support`. */
export function mendSupport(support: Support, span: Span): { help?: string; fixes?: readonly Fix[] } {
  const into = functionInto(support);
  if (!into) return {};
  const text = textOf(span);
  const piped = /^[\w.]+(\([^()]*\))?$/.test(text) ? `${into}(${text})` : undefined;
  const edits = piped ? [{ span, text: piped }] : [{ span, text: `${into}(${text})` }];
  return { help: `add \`|> ${into}\``, fixes: [{ title: `Wrap in \`${into}\``, edits }] };
}
