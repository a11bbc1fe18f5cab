import type { CstNode, IToken, ParserMethod } from "chevrotain";
import type { Diagnostic } from "../diagnostics/diagnostic.js";
import type { SourceFile, Span } from "../diagnostics/span.js";
import { suggest } from "../diagnostics/suggest.js";
import type { Item, Statement, TrainStatement } from "./ast.js";
import type { AstBuilder } from "./build-ast.js";
import { explainError } from "./explain-error.js";
import { Grammar } from "./grammar.js";
import { retype } from "./lex.js";
import { isName, segment, type Segment } from "./segment.js";
import { syntaxError } from "./syntax-error.js";
import * as t from "./tokens.js";

let recovering: Grammar | undefined;
let strict: Grammar | undefined;
/** Longest and deepest part in which the grammar looks for a way on: its recovery costs much per error, and stack per bracket. */
const longestRecovery = 2_000;
const deepestRecovery = 12;

const { keywords: k } = t;
const itemWords = ["import", "const", "param", "network", "model", "guide", "train"] as const;

/** Words with which other languages begin what is written differently here. */
const foreignWords: Readonly<Record<string, string>> = {
  def: "a network is a function: `network name(x: real[D]) -> (y: real[K]) { … }`",
  fn: "a network is a function: `network name(x: real[D]) -> (y: real[K]) { … }`",
  function: "a network is a function: `network name(x: real[D]) -> (y: real[K]) { … }`",
  functions: "a network is a function: `network name(x: real[D]) -> (y: real[K]) { … }`",
  class: "a `network` maps values to values, a `model` says how data comes about",
  data: "the data are the model's columns: `model name(x: real[D]) { … }`",
  parameters: "latents are drawn in the model: `global w: real ~ Normal(0, 1)`; what is learnt by gradient is a `param`",
  transformed: "name values inside the model: `h = …`",
  generated: "what can be generated follows from the model: `lvmc sample`",
  for: "loops are `each t in 1..T { … }` (independent) and `chain t in 2..T { … }` (looking back)",
  while: "loops are `each t in 1..T { … }` and `chain t in 2..T { … }`",
  if: "there are no branches: choose between values by arithmetic, or by a discrete latent",
  return: "a network's outputs are named: write `mean = …` for the output `mean`",
  let: "write `name = value`",
  var: "write `name = value`, or `param` for what is learnt",
  val: "write `name = value`",
  real: "the type follows the name: `z: real[20] ~ Normal(0, 1)`",
  int: "the type follows the name: `k: index(K) ~ Categorical(…)`",
  vector: "sizes stand after the type: `z: real[20]`",
  matrix: "sizes stand after the type: `w: real[D, K]`",
  target: "the log density follows from the `~` statements",
  loss: "the objective is derived: `maximize elbo`",
};

export interface SegmentedText {
  readonly source: SourceFile;
  readonly tokens: readonly IToken[];
  /** Offsets of characters that were left out (and reported). */
  readonly dropped: readonly number[];
  readonly builder: AstBuilder;
  readonly docOf: (at: number) => string;
  readonly report: (diagnostic: Diagnostic) => void;
  /** After this many messages nothing more is read. */
  readonly most: number;
}

/** Reads the parts of a file that does not parse as a whole. */
export function parseSegments({ source, tokens, dropped, builder, docOf, report, most }: SegmentedText): readonly Item[] {
  const items: Item[] = [];
  let reported = 0;
  const tell = (diagnostic: Diagnostic): void => {
    reported += 1;
    report(diagnostic);
  };
  const spanOf = (token: IToken): Span => ({ source, start: token.startOffset, end: t.endOf(token) });
  const endOfSegment = (part: Segment): number => {
    const last = part.block?.close ?? lastToken(part);
    return last ? t.endOf(last) : 0;
  };

  /** Reads tokens with a production, reporting the first error unless the part's brackets were. */
  function read(production: (grammar: Grammar) => ParserMethod<[], CstNode>, part: Segment): CstNode | undefined {
    const grammar = part.head.length > longestRecovery || depthOf(part.head) > deepestRecovery ? (strict ??= new Grammar(false)) : (recovering ??= new Grammar(true));
    const { tree, error } = grammar.read(production(grammar), part.head);
    if (error && !part.broken && !hasDropped(part.head)) tell(explainError(source, part.head, error));
    return tree;
  }

  /** Whether a character was left out within tokens. */
  function hasDropped(head: readonly IToken[]): boolean {
    const start = head[0]?.startOffset ?? 0;
    const last = head.at(-1);
    const end = last ? t.endOf(last) : 0;
    let low = 0;
    let high = dropped.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((dropped[middle] ?? Infinity) < start) low = middle + 1;
      else high = middle;
    }
    return (dropped[low] ?? Infinity) <= end;
  }

  function statements(block: Segment["block"]): Statement[] {
    return (block?.segments ?? []).flatMap((part) => statement(part) ?? []);
  }

  function statement(part: Segment): Statement | undefined {
    const first = part.head[0];
    if (!first || reported > most) return undefined;
    if (isItem(part)) {
      misplaced(first, "a declaration stands outside of braces", `move \`${first.image} …\` out of the block`);
      item(part);
      return undefined;
    }
    const type = first.tokenType;
    const isLoop = (type === k.chain || type === k.each) && isName(part.head[1]);
    if (isLoop) {
      const head = read((grammar) => grammar.loopHead, part);
      if (!part.block) needsBlock(part);
      const body = statements(part.block);
      return head && builder.loop(head, body, endOfSegment(part));
    }
    if (type === k.maximize && isName(part.head[1])) {
      misplaced(first, "`maximize` stands in a `train` block", "write `train name { maximize elbo }`");
      return undefined;
    }
    if (foreignStatement(part)) return undefined;
    if (part.block) {
      if (!part.broken) unexpectedBlock(part);
      return undefined;
    }
    const tree = read((grammar) => grammar.statement, part);
    return tree && builder.statement(tree);
  }

  function trainStatement(part: Segment): TrainStatement | undefined {
    const first = part.head[0];
    if (!first || reported > most) return undefined;
    if (isItem(part)) {
      misplaced(first, "a declaration stands outside of braces", `move \`${first.image} …\` out of the block`);
      item(part);
      return undefined;
    }
    if (foreignStatement(part)) return undefined;
    if (part.block) {
      if (!part.broken) unexpectedBlock(part);
      return undefined;
    }
    const second = part.head[1];
    if (first.image === "minimize" && isName(second)) {
      tell(syntaxError("LVM1001", "unexpected `minimize`", spanOf(first), { label: "objectives are maximized", help: "write `maximize elbo`" }));
      return undefined;
    }
    if (second?.tokenType === t.Tilde) {
      misplaced(second, "a draw stands in a model or a guide", `write \`${first.image} = …\` for a setting`);
      return undefined;
    }
    const tree = read((grammar) => grammar.trainStatement, part);
    return tree && builder.trainStatement(tree);
  }

  /** `for t in 1:T { … }`, `return x`, `let x = 1`: one message that says what is written here instead. */
  function foreignStatement(part: Segment): boolean {
    const first = part.head[0];
    const second = part.head[1];
    if (!first || first.tokenType !== t.Identifier) return false;
    const help = Object.hasOwn(foreignWords, first.image) ? foreignWords[first.image] : undefined;
    if (help === undefined) return false;
    const declares = second && [t.Equals, t.Tilde, t.Colon, t.LeftBracket, t.EqualEqual].includes(second.tokenType);
    if (declares) return false;
    tell(syntaxError("LVM1001", `unexpected \`${first.image}\``, spanOf(first), { label: "not a word of this language", help }));
    return true;
  }

  function misplaced(token: IToken, label: string, help: string): void {
    tell(syntaxError("LVM1011", `\`${token.image}\` is not allowed here`, spanOf(token), { label, help }));
  }

  function needsBlock(part: Segment): void {
    const last = part.head.at(-1);
    if (!last || part.broken) return;
    tell(
      syntaxError("LVM1016", `\`{\` is missing after \`${last.image}\``, spanOf(last), {
        label: "a block should follow",
        help: `write the statements between \`{\` and \`}\``,
      }),
    );
  }

  function unexpectedBlock(part: Segment): void {
    if (!part.block) return;
    tell(syntaxError("LVM1001", "unexpected `{`", spanOf(part.block.open), { label: "no block stands here", help: "blocks belong to `network`, `model`, `guide`, `train`, `chain` and `each`" }));
  }

  function isItem(part: Segment): boolean {
    const [first, second] = part.head;
    return first !== undefined && (itemWords as readonly string[]).includes(first.image) && (isName(second) || (second === undefined && part.block !== undefined));
  }

  function item(part: Segment): void {
    const first = part.head[0];
    if (!first || reported > most) return;
    const production = productionOf(first);
    if (!production) return;
    const before = reported;
    const head = read(production.of, part);
    const failed = part.broken || reported > before;
    const wantsBlock = production.block === "required";
    if (wantsBlock && !part.block && !failed) needsBlock(part);
    if (part.block && production.block === "none" && !failed) unexpectedBlock(part);
    const inTrain = first.tokenType === k.train;
    const body = inTrain || production.block === "none" ? [] : statements(part.block);
    const trainBody = inTrain ? (part.block?.segments ?? []).flatMap((inner) => trainStatement(inner) ?? []) : [];
    const built = head && builder.item(head, { body, trainBody, end: endOfSegment(part) }, docOf(first.startOffset));
    if (built) items.push(built);
  }

  /** Text at the top of the file that begins no declaration: one message, however long it is. */
  function stray(part: Segment, quiet: boolean): void {
    const first = part.head[0] ?? part.block?.open;
    if (!first) return;
    const meant = part.head[0] && (isName(part.head[1]) || part.block) ? suggest(first.image, itemWords) : undefined;
    if (meant && isName(part.head[1])) {
      tell(
        syntaxError("LVM1019", `unknown declaration \`${first.image}\``, spanOf(first), {
          label: `did you mean \`${meant}\`?`,
          help: `write \`${meant}\``,
          fixes: [{ title: `Write \`${meant}\``, edits: [{ span: spanOf(first), text: meant }] }],
        }),
      );
      const keyword = t.keywordByWord.get(meant);
      if (keyword) retype(first, keyword);
      item(part);
      return;
    }
    if (quiet || part.broken) return;
    const foreign = Object.hasOwn(foreignWords, first.image) ? foreignWords[first.image] : undefined;
    const second = part.head[1]?.tokenType;
    const isStatement = isName(first) && (second === t.Tilde || second === t.Equals || second === t.Colon || second === t.LeftBracket || first.tokenType === k.global);
    if (foreign && !isStatement) {
      tell(syntaxError("LVM1019", `unknown declaration \`${first.image}\``, spanOf(first), { label: "not a declaration of this language", help: foreign }));
    } else if (isStatement) {
      tell(
        syntaxError("LVM1011", "a statement is not allowed here", spanOf(first), {
          label: "this stands outside of any block",
          help: second === t.Equals ? `write \`const ${first.image} = …\`, or move it into a block (is there a \`}\` too many above?)` : "move it into a model or a guide (is there a `}` too many above?)",
        }),
      );
    } else {
      tell(
        syntaxError("LVM1019", `unknown declaration \`${first.image.slice(0, 30)}\``, spanOf(first), {
          label: "no declaration begins with this",
          help: "a file consists of `import`, `const`, `param`, `network`, `model`, `guide` and `train`",
        }),
      );
    }
  }

  let afterStray = false;
  for (const part of segment(source, tokens, tell)) {
    const first = part.head[0];
    if (first && productionOf(first)) {
      afterStray = false;
      item(part);
    } else {
      stray(part, afterStray);
      afterStray = true;
    }
  }
  return items;
}

function depthOf(tokens: readonly IToken[]): number {
  let depth = 0;
  let deepest = 0;
  for (const { tokenType } of tokens) {
    if (tokenType === t.LeftParenthesis || tokenType === t.LeftBracket) deepest = Math.max(deepest, ++depth);
    else if (tokenType === t.RightParenthesis || tokenType === t.RightBracket) depth -= 1;
  }
  return deepest;
}

function lastToken(part: Segment): IToken | undefined {
  const inner = part.block?.segments.at(-1);
  return (inner ? lastToken(inner) : undefined) ?? part.block?.open ?? part.head.at(-1);
}

interface ItemProduction {
  readonly of: (grammar: Grammar) => ParserMethod<[], CstNode>;
  readonly block: "required" | "optional" | "none";
}

function productionOf(first: IToken): ItemProduction | undefined {
  switch (first.tokenType) {
    case k.import:
      return { of: (grammar) => grammar.importItem, block: "none" };
    case k.const:
      return { of: (grammar) => grammar.constItem, block: "none" };
    case k.param:
      return { of: (grammar) => grammar.paramItem, block: "none" };
    case k.network:
      return { of: (grammar) => grammar.networkHead, block: "required" };
    case k.model:
      return { of: (grammar) => grammar.modelHead, block: "required" };
    case k.guide:
      return { of: (grammar) => grammar.guideHead, block: "required" };
    case k.train:
      return { of: (grammar) => grammar.trainHead, block: "optional" };
    default:
      return undefined;
  }
}
