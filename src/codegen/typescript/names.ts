/** Words that cannot be names in a strict module, and globals that a local must not shadow. */
const reserved = new Set(
  ("abstract any arguments as async await boolean break case catch class const constructor continue debugger declare default delete do else enum eval export extends false " +
    "finally for from function get if implements import in infer instanceof interface is keyof let module namespace never new null number object of package private " +
    "protected public readonly require return set static string super switch symbol this throw true try type typeof undefined unique unknown var void while with yield " +
    "tf Promise Float32Array Int32Array Infinity NaN Object Array Math Number String Symbol globalThis console").split(" "),
);

const identifierPattern = /^[\p{ID_Start}_$][\p{ID_Continue}$]*$/u;

/**
 * The nearest identifier to a name from a model file: what cannot stand in one joins its parts in camel case. Never a reserved word,
 * never empty.
 */
export function identifierOf(name: string): string {
  const parts = name.split(/[^\p{ID_Continue}$]+/u).filter((part) => part !== "");
  const joined = parts.map((part, at) => (at === 0 ? part : part[0]?.toUpperCase() + part.slice(1))).join("");
  const started = identifierPattern.test(joined) ? joined : `_${joined}`;
  return reserved.has(started) ? `${started}_` : started;
}

/** With a capital, for types: `eight_schools` → `EightSchools`. */
export function typeNameOf(name: string): string {
  const words = identifierOf(name).split("_").filter((word) => word !== "");
  const joined = words.map((word) => word[0]?.toUpperCase() + word.slice(1)).join("");
  return identifierPattern.test(joined) ? joined : "Model";
}

/** A property's name in an object or interface: quoted unless it is an identifier; `__proto__` computed, for it would set the prototype. */
export function propertyKey(name: string): string {
  if (name === "__proto__") return '["__proto__"]';
  return identifierPattern.test(name) ? name : stringLiteral(name);
}

/** `of.name` or `of["na me"]`. */
export function memberAccess(of: string, name: string): string {
  return identifierPattern.test(name) ? `${of}.${name}` : `${of}[${stringLiteral(name)}]`;
}

/** JSON is JavaScript but for the two line separators, which some tools take for line ends. */
export function stringLiteral(text: string): string {
  return JSON.stringify(text).replace(/[\u2028\u2029]/g, (at) => (at === "\u2028" ? "\\u2028" : "\\u2029"));
}

/** Text that cannot end a line comment or a block comment. */
export function commentText(text: string): string {
  return text.replace(/[\r\n\u2028\u2029]+/g, " ").replaceAll("*/", "*\\/");
}

/** A number as code. */
export function numberLiteral(value: number): string {
  if (Object.is(value, -0)) return "-0";
  return String(value);
}

/** Gives names that are unique in one place. */
export class Names {
  private readonly taken: Set<string>;

  constructor(taken: Iterable<string> = []) {
    this.taken = new Set(taken);
  }

  /** The name, or the name with the first number that makes it unique. */
  fresh(wanted: string): string {
    const base = identifierOf(wanted);
    let name = base;
    for (let n = 2; this.taken.has(name); n++) name = /\d$/.test(base) ? `${base}_${n}` : `${base}${n}`;
    this.taken.add(name);
    return name;
  }

  /** The names given so far, for a scope inside. */
  inner(): Names {
    return new Names(this.taken);
  }
}
