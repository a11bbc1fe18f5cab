import type { SourceFile, Span } from "../diagnostics/span.js";

/**
 * The syntax tree: readonly nodes, one union per role. A broken file still yields a tree, with `missing` expressions where
 * something did not parse. Comments are kept in `Module.comments`, for the printer.
 */

export interface Module {
  readonly kind: "module";
  readonly source: SourceFile;
  readonly items: readonly Item[];
  /** Every comment in order, `//` and `///`, with the text after the slashes. */
  readonly comments: readonly Comment[];
  readonly span: Span;
}

export interface Comment {
  readonly kind: "comment";
  readonly doc: boolean;
  readonly text: string;
  /** False when code stands before it on its line. */
  readonly ownLine: boolean;
  readonly span: Span;
}

/** A name where it is declared or used. */
export interface Identifier {
  readonly kind: "identifier";
  readonly name: string;
  readonly span: Span;
}

// ── Items ──────────────────────────────────────────────────────────────────────────────────────────────────────────

export type Item = ImportItem | ConstItem | ParamItem | NetworkItem | ModelItem | GuideItem | TrainItem;

interface ItemBase {
  /** The `///` lines above the item, joined with newlines, without the slashes. */
  readonly doc: string;
  readonly span: Span;
}

/** `import encoder, decoder from "vae.lvm"` */
export interface ImportItem extends ItemBase {
  readonly kind: "import";
  readonly names: readonly Identifier[];
  readonly path: StringLiteral;
}

/** `const LATENT = 20` */
export interface ConstItem extends ItemBase {
  readonly kind: "const";
  readonly name: Identifier;
  readonly value: Expression;
}

/** `param weights: real[D, K] = normal(0, 0.1)`: a learnt parameter of the whole file. */
export interface ParamItem extends ItemBase {
  readonly kind: "param";
  readonly name: Identifier;
  readonly type: TypeExpression;
  readonly init?: Expression;
}

/** `network encoder(x: binary[784]) -> (mean: real[20], scale: positive[20]) { … }` */
export interface NetworkItem extends ItemBase {
  readonly kind: "network";
  readonly name: Identifier;
  readonly inputs: readonly ColumnDeclaration[];
  readonly outputs: readonly ColumnDeclaration[];
  readonly body: readonly Statement[];
}

/** `model vae(x: binary[784]) { … }` */
export interface ModelItem extends ItemBase {
  readonly kind: "model";
  readonly name: Identifier;
  readonly columns: readonly ColumnDeclaration[];
  /** `where length(x) <= T` */
  readonly where?: Expression;
  readonly body: readonly Statement[];
}

/** `guide vae { … }` */
export interface GuideItem extends ItemBase {
  readonly kind: "guide";
  readonly name: Identifier;
  readonly body: readonly Statement[];
}

/** `train vae { maximize elbo … }`, `train prior on vae.z { … }` */
export interface TrainItem extends ItemBase {
  readonly kind: "train";
  readonly name: Identifier;
  /** `on vae.z` */
  readonly on?: Expression;
  readonly body: readonly TrainStatement[];
}

/** `x: binary[784]`, `y: index(10)?` (partly observed), `x[0]: real[2]` (start of a chain), `label: index(10) dropout 0.1` (a condition that may be left out). */
export interface ColumnDeclaration {
  readonly kind: "column";
  readonly name: Identifier;
  readonly indices: readonly Expression[];
  readonly type: TypeExpression;
  /** In which share of the rows training leaves it out. */
  readonly dropout?: Expression;
  readonly span: Span;
}

/** `index(K)[7, 7]?` */
export interface TypeExpression {
  readonly kind: "type";
  readonly name: Identifier;
  /** `(K)` of `index(K)`. */
  readonly args: readonly Expression[];
  /** `[7, 7]`. */
  readonly sizes: readonly Expression[];
  /** `?`: observed in some rows only. */
  readonly optional: boolean;
  readonly span: Span;
}

// ── Statements ─────────────────────────────────────────────────────────────────────────────────────────────────────

export type Statement = LetStatement | SampleStatement | LocalStatement | AutoStatement | MarginalizeStatement | LoopStatement;

/** `h = x |> dense(400)`, `h[0] = zeros[64]` */
export interface LetStatement {
  readonly kind: "let";
  readonly name: Identifier;
  readonly indices: readonly Expression[];
  readonly value: Expression;
  readonly span: Span;
}

/** `z: real[20] ~ Normal(0, 1)`, `global w: real ~ …`, `k ~ Categorical(…) by score(baseline = leave_one_out)` */
export interface SampleStatement {
  readonly kind: "sample";
  readonly global: boolean;
  readonly name: Identifier;
  readonly indices: readonly Expression[];
  readonly type?: TypeExpression;
  readonly distribution: Expression;
  readonly by?: Expression;
  /** The word `autoregressive` after the distribution. */
  readonly autoregressive: boolean;
  readonly span: Span;
}

/** `local mean: real[20] = 0`: one learnable value for each data row. */
export interface LocalStatement {
  readonly kind: "local";
  readonly name: Identifier;
  readonly type: TypeExpression;
  readonly init?: Expression;
  readonly span: Span;
}

/** `auto full_rank center, spread` */
export interface AutoStatement {
  readonly kind: "auto";
  /** `mean_field`, `full_rank`, `low_rank(k)`: a name or a call. */
  readonly family: Expression;
  readonly sites: readonly Identifier[];
  readonly span: Span;
}

/** `marginalize k, j` */
export interface MarginalizeStatement {
  readonly kind: "marginalize";
  readonly sites: readonly Identifier[];
  readonly span: Span;
}

/** `chain t in 2..T { … }` (may look back), `each t in 1..T { … }` (may not). */
export interface LoopStatement {
  readonly kind: "loop";
  readonly loop: "chain" | "each";
  readonly variable: Identifier;
  readonly range: RangeExpression;
  readonly body: readonly Statement[];
  readonly span: Span;
}

export type TrainStatement = MaximizeStatement | SettingStatement | ObserveStatement;

/** `maximize elbo(beta = 4) subject to kl(z) <= 20` */
export interface MaximizeStatement {
  readonly kind: "maximize";
  readonly objective: Expression;
  /** Comparisons, from `subject to a <= b, c >= d`. */
  readonly constraints: readonly Expression[];
  readonly span: Span;
}

/** `optimizer = adam(rate = 1e-3)` */
export interface SettingStatement {
  readonly kind: "setting";
  readonly name: Identifier;
  readonly value: Expression;
  readonly span: Span;
}

/** `observe y = 0.05`: keep that share of a partly observed column's values. */
export interface ObserveStatement {
  readonly kind: "observe";
  readonly name: Identifier;
  readonly value: Expression;
  readonly span: Span;
}

// ── Expressions ────────────────────────────────────────────────────────────────────────────────────────────────────

export type Expression =
  | NumberLiteral
  | StringLiteral
  | NameExpression
  | UnaryExpression
  | BinaryExpression
  | CallExpression
  | IndexExpression
  | MemberExpression
  | PipeExpression
  | RangeExpression
  | ArrayExpression
  | ConditionExpression
  | ParenthesizedExpression
  | MissingExpression;

export interface NumberLiteral {
  readonly kind: "number";
  readonly value: number;
  /** As written, for the printer: `1e-3`. */
  readonly text: string;
  readonly span: Span;
}

export interface StringLiteral {
  readonly kind: "string";
  readonly value: string;
  readonly span: Span;
}

export interface NameExpression {
  readonly kind: "name";
  readonly name: string;
  readonly span: Span;
}

export interface UnaryExpression {
  readonly kind: "unary";
  readonly operator: "-";
  readonly operand: Expression;
  readonly span: Span;
}

/** Precedence from low to high: `|>`, comparisons, `+ -`, `* / @`, unary `-`, `^` (right), postfix. */
export type BinaryOperator = "+" | "-" | "*" | "/" | "@" | "^" | "<" | "<=" | ">" | ">=" | "==" | "!=";

export interface BinaryExpression {
  readonly kind: "binary";
  readonly operator: BinaryOperator;
  readonly left: Expression;
  readonly right: Expression;
  readonly span: Span;
}

export interface CallExpression {
  readonly kind: "call";
  readonly callee: NameExpression | MissingExpression;
  readonly args: readonly Argument[];
  readonly span: Span;
}

/** `0`, `logits = f(z)`, `x[0] = f(x)` (in `guide(…)` only) */
export interface Argument {
  readonly kind: "argument";
  readonly name?: Identifier;
  /** `[0]` of `x[0] = …`. */
  readonly indices?: readonly Expression[];
  readonly value: Expression;
  readonly span: Span;
}

/** `level[county]`, `x[t]`, `x[1..3]`, `zeros[64]` */
export interface IndexExpression {
  readonly kind: "index";
  readonly target: Expression;
  readonly indices: readonly Expression[];
  readonly span: Span;
}

/** `q.mean` */
export interface MemberExpression {
  readonly kind: "member";
  readonly target: Expression;
  readonly name: Identifier;
  readonly span: Span;
}

/** `x |> dense(400)`, `x |> relu` */
export interface PipeExpression {
  readonly kind: "pipe";
  readonly value: Expression;
  readonly into: Expression;
  readonly span: Span;
}

/** `1..T` */
export interface RangeExpression {
  readonly kind: "range";
  readonly from: Expression;
  readonly to: Expression;
  readonly span: Span;
}

/** `[1, 2, 3]` */
export interface ArrayExpression {
  readonly kind: "array";
  readonly elements: readonly Expression[];
  readonly span: Span;
}

/** `x[t-1] | x[t], x[0] = f(x[t])`: a conditional, as an argument of `guide(…)` only. */
export interface ConditionExpression {
  readonly kind: "condition";
  readonly value: Expression;
  readonly given: readonly Expression[];
  readonly span: Span;
}

export interface ParenthesizedExpression {
  readonly kind: "parenthesized";
  readonly expression: Expression;
  readonly span: Span;
}

/** Where an expression did not parse. Checks stay silent about it: the parser has spoken. */
export interface MissingExpression {
  readonly kind: "missing";
  readonly span: Span;
}

export type Node =
  | Module
  | Item
  | Statement
  | TrainStatement
  | ColumnDeclaration
  | TypeExpression
  | Expression
  | Argument
  | Identifier;
