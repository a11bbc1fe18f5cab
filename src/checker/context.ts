import type * as ast from "../parser/ast.js";
import type { Diagnostic } from "../diagnostics/diagnostic.js";
import { choice, freshName, replacement } from "../diagnostics/fix.js";
import type { DiagnosticCode } from "../diagnostics/catalog.js";
import type { Label, Fix } from "../diagnostics/diagnostic.js";
import type { Span } from "../diagnostics/span.js";
import type { Type } from "../types/type.js";
import type { Network, Parameter } from "../ir/model/model.js";

/** What a `const` holds: a number, or an array in row-major order. */
export type ConstantValue =
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "array"; readonly values: readonly number[]; readonly shape: readonly number[] };

export interface Constant {
  readonly name: string;
  readonly value: ConstantValue;
  /** `const LATENT = 20`, whole. */
  readonly span: Span;
  /** Set by `--set`, not by the file. */
  readonly overridden: boolean;
}

/** Inputs and outputs of a network, known before its body is. */
export interface NetworkSignature {
  readonly name: string;
  readonly item: ast.NetworkItem;
  readonly inputs: readonly { readonly name: string; readonly type: Type; readonly origin: Span }[];
  readonly outputs: readonly { readonly name: string; readonly type: Type; readonly origin: Span }[];
}

/** `complete` once the body has been elaborated; `broken` where it has errors of its own (calls of it still check). */
export interface NetworkEntry {
  readonly signature: NetworkSignature;
  readonly state: "declared" | "complete" | "broken";
  readonly network?: Network;
}

/** What an editor shows at a node. */
export interface HoverFact {
  readonly span: Span;
  /** `parameter`, `column`, `layer`, `expression` … */
  readonly what: string;
  readonly name?: string;
  readonly type?: Type;
  /** Markdown. */
  readonly doc?: string;
  /** Of a layer. */
  readonly weights?: readonly { readonly role: string; readonly shape: readonly number[] }[];
  /** Where the name was declared, for go-to-definition. */
  readonly declared?: Span;
}

/** A diagnostic without what can be left out. */
export interface Problem {
  readonly code: DiagnosticCode;
  readonly message: string;
  readonly span: Span;
  /** The words under the primary span. */
  readonly label: string;
  readonly related?: readonly Label[];
  readonly notes?: readonly string[];
  readonly help?: string;
  readonly fixes?: readonly Fix[];
}

/** The tables of one check: of one file and of what it imports. */
export interface Context {
  readonly diagnostics: readonly Diagnostic[];
  report(diagnostic: Diagnostic): void;
  /** `report` of an error. */
  error(problem: Problem): void;
  warning(problem: Problem): void;
  /** Overrides from the command line: `--set NAME=VALUE`. */
  readonly set: Readonly<Record<string, number>>;
  readonly constants: Map<string, Constant>;
  /** `const` items by name, before they have been evaluated: a constant may use one that stands below it. */
  readonly constantItems: Map<string, ast.ConstItem>;
  /** `param` items that elaborated. */
  readonly parameterItems: Map<string, { readonly item: ast.ParamItem; readonly parameter: Parameter }>;
  /** Every parameter by name: `param` items and the weights of networks. */
  readonly parameters: Map<string, Parameter>;
  /** Networks by name, copies made by `repeat` included; those that are complete stand in dependency order. */
  readonly networks: Map<string, NetworkEntry>;
  /** Which network calls which, by the names in the file, with the first call's place: recursion is found here. */
  readonly networkCalls: Map<string, Map<string, Span>>;
  /** Copies that `repeat` asked for and that have not been elaborated yet. */
  readonly copies: { readonly name: string; readonly item: ast.NetworkItem }[];
  /** Names declared by items, with the declaring name's span. Items that failed stand here too, so that uses of them stay silent. */
  readonly items: Map<string, { readonly what: string; readonly span: Span }>;
  readonly hover: Map<ast.Node, HoverFact>;
  /** Registers an item's name; false (and a diagnostic) when it is taken. */
  declareItem(what: string, name: ast.Identifier, fixes?: readonly Fix[]): boolean;
  /** A new number for a network call. */
  freshCall(): number;
  addParameter(parameter: Parameter): void;
}

/** Messages after which suggestions are left out: each looks at every name that is visible, and nobody reads that many. */
export const mostSuggestions = 200;

/** Empty tables. With `importer`, calls are numbered on from there: networks of both end up in one program. */
export function createContext(set: Readonly<Record<string, number>> = {}, importer?: Context): Context {
  const diagnostics: Diagnostic[] = [];
  const items: Context["items"] = new Map();
  const parameters: Context["parameters"] = new Map();
  let calls = 0;
  const say = (severity: "error" | "warning", problem: Problem): void => {
    const { code, message, span, label, related = [], notes = [], help, fixes } = problem;
    diagnostics.push({ code, severity, message, primary: { span, text: label }, related, notes, help, fixes });
  };
  const context: Context = {
    diagnostics,
    report: (diagnostic) => void diagnostics.push(diagnostic),
    error: (problem) => say("error", problem),
    warning: (problem) => say("warning", problem),
    set,
    constants: new Map(),
    constantItems: new Map(),
    parameterItems: new Map(),
    parameters,
    networks: new Map(),
    networkCalls: new Map(),
    copies: [],
    items,
    hover: new Map(),
    declareItem(what, name, fixes) {
      const earlier = items.get(name.name);
      if (!earlier) {
        items.set(name.name, { what, span: name.span });
        return true;
      }
      context.error({
        code: "LVM2002",
        message: `\`${name.name}\` is declared twice`,
        span: name.span,
        label: `a second \`${name.name}\``,
        related: [{ span: earlier.span, text: `the first is here: a ${earlier.what}` }],
        help: "give one of them another name",
        fixes: fixes ?? [choice(replacement(name.span, freshName(name.name, name.span), `Call it \`${freshName(name.name, name.span)}\``))],
      });
      return false;
    },
    freshCall: () => importer?.freshCall() ?? ++calls,
    addParameter: (parameter) => void parameters.set(parameter.name, parameter),
  };
  return context;
}
