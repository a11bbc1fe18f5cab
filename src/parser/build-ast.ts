import type { CstNode, IToken } from "chevrotain";
import type { Diagnostic } from "../diagnostics/diagnostic.js";
import type { SourceFile, Span } from "../diagnostics/span.js";
import type {
  Argument, BinaryOperator, CallExpression, ColumnDeclaration, Expression, GuideItem, Identifier, ImportItem, Item, LoopStatement, ModelItem,
  NameExpression, NetworkItem, Statement, StringLiteral, TrainItem, TrainStatement, TypeExpression,
} from "./ast.js";
import { syntaxError } from "./syntax-error.js";
import { BadNumber, UnclosedString, endOf } from "./tokens.js";

/** Deepest expression that is built: what walks the tree later recurses. */
const deepest = 500;

type ItemHead = "importItem" | "constItem" | "paramItem" | "networkHead" | "modelHead" | "guideHead" | "trainHead";

/** Turns concrete trees of `Grammar` into syntax trees. Holes of a broken tree become `missing` expressions and empty names. */
export interface AstBuilder {
  /** A whole file's items, from the production `module`. */
  items(tree: CstNode, docOf: (at: number) => string): Item[];
  item(head: CstNode, blocks: { readonly body: readonly Statement[]; readonly trainBody: readonly TrainStatement[]; readonly end: number }, doc: string): Item | undefined;
  statement(tree: CstNode): Statement | undefined;
  trainStatement(tree: CstNode): TrainStatement | undefined;
  loop(head: CstNode, body: readonly Statement[], end: number): LoopStatement;
}

/** Makes a builder for one source; what it finds wrong (a type on a value, a chained comparison …) goes to `report`. */
export function astBuilder(source: SourceFile, report: (diagnostic: Diagnostic) => void): AstBuilder {
  const depths = new Map<Expression, number>();
  let tooDeep = false;

  // ── Access to the concrete tree ──

  const nodes = (tree: CstNode, name: string): CstNode[] => (tree.children[name] ?? []) as CstNode[];
  const node = (tree: CstNode, name: string): CstNode | undefined => nodes(tree, name)[0];
  const token = (tree: CstNode, name: string): IToken | undefined => {
    const found = tree.children[name]?.[0] as IToken | undefined;
    return found && !found.isInsertedInRecovery ? found : undefined;
  };
  const at = (start: number, end: number): Span => ({ source, start, end });
  const tokenSpan = (found: IToken): Span => at(found.startOffset, endOf(found));
  const spanOf = (tree: CstNode): Span => {
    const start = tree.location?.startOffset ?? 0;
    const last = tree.location?.endOffset ?? start - 1;
    return Number.isNaN(start) || Number.isNaN(last) ? at(0, 0) : at(start, Math.max(start, last + 1));
  };
  const join = (first: Span, last: Span): Span => at(first.start, Math.max(first.end, last.end));

  function identifier(found: IToken | undefined, tree: CstNode): Identifier {
    if (found) return { kind: "identifier", name: found.image, span: tokenSpan(found) };
    const span = spanOf(tree);
    return { kind: "identifier", name: "", span: at(span.end, span.end) };
  }
  const nameOf = (tree: CstNode): Identifier => identifier(token(tree, "Identifier"), tree);

  function names(tree: CstNode | undefined): Identifier[] {
    if (!tree) return [];
    return ((tree.children["Identifier"] ?? []) as IToken[]).filter((found) => !found.isInsertedInRecovery).map((found) => identifier(found, tree));
  }

  function missing(span: Span): Expression {
    return { kind: "missing", span };
  }

  /** Notes how deep an expression is; one that is too deep is reported once and left out. */
  function grown(expression: Expression, parts: readonly Expression[]): Expression {
    let depth = 0;
    for (const part of parts) depth = Math.max(depth, depths.get(part) ?? 0);
    depths.set(expression, depth + 1);
    if (depth < deepest) return expression;
    if (!tooDeep) {
      tooDeep = true;
      report(
        syntaxError("LVM1008", "nested too deeply", at(expression.span.start, expression.span.start + 1), {
          label: `this expression has more than ${deepest} levels`,
          help: "name intermediate values: `a = …`",
        }),
      );
    }
    return missing(expression.span);
  }

  // ── Expressions ──

  function expression(tree: CstNode | undefined, otherwise: CstNode): Expression {
    if (!tree) {
      const span = spanOf(otherwise);
      return missing(at(span.end, span.end));
    }
    const [first, ...rest] = nodes(tree, "operand");
    let value = operand(first, tree);
    for (const next of rest) {
      const into = operand(next, tree);
      value = grown({ kind: "pipe", value, into, span: join(value.span, into.span) }, [value, into]);
    }
    const pipes = tree.children["Pipe"]?.length ?? 0;
    if (pipes > rest.length) {
      const into = missing(at(spanOf(tree).end, spanOf(tree).end));
      value = grown({ kind: "pipe", value, into, span: spanOf(tree) }, [value]);
    }
    return value;
  }

  function operand(tree: CstNode | undefined, otherwise: CstNode): Expression {
    if (!tree) return expression(undefined, otherwise);
    const from = operators(node(tree, "operators"), tree);
    if (!tree.children["DotDot"]) return from;
    const to = operators(nodes(tree, "operators")[1], tree);
    return grown({ kind: "range", from, to, span: join(from.span, to.span) }, [from, to]);
  }

  const strength: Readonly<Record<BinaryOperator, number>> = {
    "<": 1, "<=": 1, ">": 1, ">=": 1, "==": 1, "!=": 1, "+": 2, "-": 2, "*": 3, "/": 3, "@": 3, "^": 5,
  };
  const unaryStrength = 4;

  /** Precedence climbing over the flat list with two stacks, so that long lists do not recurse. */
  function operators(tree: CstNode | undefined, otherwise: CstNode): Expression {
    if (!tree) return expression(undefined, otherwise);
    const operands = nodes(tree, "unary");
    const signs = (tree.children["operator"] ?? []) as IToken[];
    const values: Expression[] = [];
    const pending: { readonly sign: IToken; readonly unary: boolean }[] = [];

    const reduce = (): void => {
      const top = pending.pop();
      const right = values.pop();
      if (!top || !right) return;
      if (top.unary) {
        values.push(grown({ kind: "unary", operator: "-", operand: right, span: join(tokenSpan(top.sign), right.span) }, [right]));
        return;
      }
      const left = values.pop() ?? missing(at(right.span.start, right.span.start));
      const meant = operatorOf(top.sign);
      if (strength[meant] === 1 && left.kind === "binary" && strength[left.operator] === 1) {
        report(
          syntaxError("LVM1014", "comparisons do not chain", tokenSpan(top.sign), {
            label: "a second comparison",
            help: "write two constraints: `a <= b, b <= c`",
          }),
        );
      }
      values.push(grown({ kind: "binary", operator: meant, left, right, span: join(left.span, right.span) }, [left, right]));
    };
    const pushOperand = (unary: CstNode | undefined): void => {
      if (!unary) {
        values.push(expression(undefined, tree));
        return;
      }
      for (const sign of (unary.children["Minus"] ?? []) as IToken[]) pending.push({ sign, unary: true });
      values.push(postfix(node(unary, "postfix"), unary));
    };

    pushOperand(operands[0]);
    signs.forEach((sign, position) => {
      const meant = operatorOf(sign);
      const mine = strength[meant];
      for (let top = pending.at(-1); top; top = pending.at(-1)) {
        const theirs = top.unary ? unaryStrength : strength[operatorOf(top.sign)];
        if (theirs < mine || (theirs === mine && meant === "^")) break;
        reduce();
      }
      pending.push({ sign, unary: false });
      pushOperand(operands[position + 1]);
    });
    while (pending.length > 0) reduce();
    return values[0] ?? expression(undefined, tree);
  }

  function postfix(tree: CstNode | undefined, otherwise: CstNode): Expression {
    if (!tree) return expression(undefined, otherwise);
    let value = primary(node(tree, "primary"), tree);
    const parts = [...nodes(tree, "call"), ...nodes(tree, "index"), ...nodes(tree, "member")].sort((a, b) => spanOf(a).start - spanOf(b).start);
    for (const part of parts) {
      const span = join(value.span, spanOf(part));
      if (part.name === "member") value = grown({ kind: "member", target: value, name: nameOf(part), span }, [value]);
      else if (part.name === "index") {
        const found = indices(part);
        value = grown({ kind: "index", target: value, indices: found, span }, [value, ...found]);
      } else value = callOf(value, part, span);
    }
    return value;
  }

  function callOf(callee: Expression, part: CstNode, span: Span): Expression {
    const args = argumentsOf(part);
    const callable: CallExpression["callee"] = callee.kind === "name" || callee.kind === "missing" ? callee : { kind: "missing", span: callee.span };
    if (callable !== callee) {
      const { start } = spanOf(part);
      report(
        syntaxError("LVM1015", "only a name can be called", callee.span, {
          label: "this is a value",
          related: [{ span: at(start, start + 1), text: "called here" }],
          help: callee.kind === "number" ? "write `*` to multiply" : "give the value a name first, or write `*` to multiply",
        }),
      );
    }
    return grown({ kind: "call", callee: callable, args, span }, [callable, ...args.map((arg) => arg.value)]);
  }

  function indices(tree: CstNode | undefined): Expression[] {
    return tree ? nodes(tree, "expression").map((found) => expression(found, tree)) : [];
  }

  function argumentsOf(tree: CstNode): Argument[] {
    const args: Argument[] = [];
    // `a | b, c`: what follows without a name is given too.
    let condition: { readonly value: Expression; readonly given: Expression[]; span: Span } | undefined;
    let openCondition = false;
    nodes(tree, "argument").forEach((found, position) => {
      const span = spanOf(found);
      const first = expression(node(found, "expression"), found);
      const equals = token(found, "Equals");
      const bar = token(found, "Bar");
      if (equals) {
        openCondition = false;
        const value = expression(node(found, "value"), found);
        if (first.kind === "name") args.push({ kind: "argument", name: { kind: "identifier", name: first.name, span: first.span }, value, span });
        else if (first.kind === "index" && first.target.kind === "name") {
          const { target } = first;
          args.push({ kind: "argument", name: { kind: "identifier", name: target.name, span: target.span }, indices: first.indices, value, span });
        } else {
          if (first.kind !== "missing") {
            report(
              syntaxError("LVM1001", "an argument's name is expected before `=`", first.span, {
                label: "this is not a name",
                help: "write `name = value`, or `==` to compare",
              }),
            );
          }
          args.push({ kind: "argument", value, span });
        }
      } else if (bar) {
        if (position > 0) {
          report(
            syntaxError("LVM1018", "misplaced condition", tokenSpan(bar), {
              label: "`|` stands in the first argument only",
              help: "write `guide(a | b, c, …)`: `a` given `b` and `c`",
            }),
          );
        }
        const given = expression(node(found, "given"), found);
        if (position === 0) {
          condition = { value: first, given: [given], span };
          openCondition = true;
        } else args.push({ kind: "argument", value: grown({ kind: "condition", value: first, given: [given], span }, [first, given]), span });
      } else if (openCondition && condition) {
        condition.given.push(first);
        condition.span = join(condition.span, first.span);
      } else args.push({ kind: "argument", value: first, span });
    });
    if (!condition) return args;
    const { value, given, span } = condition;
    return [{ kind: "argument", value: grown({ kind: "condition", value, given, span }, [value, ...given]), span }, ...args];
  }

  function primary(tree: CstNode | undefined, otherwise: CstNode): Expression {
    if (!tree) return expression(undefined, otherwise);
    const name = token(tree, "Identifier");
    if (name) return { kind: "name", name: name.image, span: tokenSpan(name) } satisfies NameExpression;
    const number = token(tree, "Number");
    if (number) {
      if (number.tokenType === BadNumber) return missing(tokenSpan(number));
      return { kind: "number", value: Number(number.image.replaceAll("_", "")), text: number.image, span: tokenSpan(number) };
    }
    const text = token(tree, "String");
    if (text) return stringLiteral(text);
    const inner = node(tree, "parenthesized");
    if (inner) {
      const found = expression(node(inner, "expression"), inner);
      return grown({ kind: "parenthesized", expression: found, span: spanOf(inner) }, [found]);
    }
    const array = node(tree, "array");
    if (array) {
      const elements = indices(array);
      return grown({ kind: "array", elements, span: spanOf(array) }, elements);
    }
    return missing(spanOf(tree).end > 0 ? spanOf(tree) : at(spanOf(otherwise).end, spanOf(otherwise).end));
  }

  function stringLiteral(found: IToken): StringLiteral {
    const inner = found.image.slice(1, found.tokenType === UnclosedString ? undefined : -1);
    const escapes: Record<string, string> = { n: "\n", t: "\t" };
    return { kind: "string", value: inner.replace(/\\(.)/gu, (_, letter: string) => escapes[letter] ?? letter), span: tokenSpan(found) };
  }

  // ── Types and columns ──

  function type(tree: CstNode | undefined, otherwise: CstNode): TypeExpression {
    if (!tree) {
      const name = identifier(undefined, otherwise);
      return { kind: "type", name, args: [], sizes: [], optional: false, span: name.span };
    }
    return {
      kind: "type",
      name: nameOf(tree),
      args: nodes(tree, "arg").map((found) => expression(found, tree)),
      sizes: indices(node(tree, "index")),
      optional: token(tree, "Question") !== undefined,
      span: spanOf(tree),
    };
  }

  function columns(tree: CstNode | undefined): ColumnDeclaration[] {
    if (!tree) return [];
    return nodes(tree, "column").map((found) => ({
      kind: "column",
      name: nameOf(found),
      indices: indices(node(found, "index")),
      type: type(node(found, "type"), found),
      ...(node(found, "dropout") ? { dropout: expression(node(found, "dropout"), found) } : {}),
      span: spanOf(found),
    }));
  }

  // ── Statements ──

  function statement(tree: CstNode): Statement | undefined {
    const loopTree = node(tree, "loop");
    if (loopTree) {
      const head = node(loopTree, "loopHead");
      return head && loop(head, statements(node(loopTree, "block")), spanOf(loopTree).end);
    }
    const auto = node(tree, "auto");
    if (auto) return { kind: "auto", family: postfix(node(auto, "postfix"), auto), sites: names(node(auto, "names")), span: spanOf(auto) };
    const marginalize = node(tree, "marginalize");
    if (marginalize) return { kind: "marginalize", sites: names(node(marginalize, "names")), span: spanOf(marginalize) };
    const local = node(tree, "local");
    if (local) {
      const init = node(local, "expression") ?? (local.children["Equals"] ? local : undefined);
      return {
        kind: "local",
        name: nameOf(local),
        type: type(node(local, "type"), local),
        ...(init ? { init: expression(node(local, "expression"), local) } : {}),
        span: spanOf(local),
      };
    }
    const assignment = node(tree, "assignment");
    return assignment && assign(assignment);
  }

  function assign(tree: CstNode): Statement {
    const name = nameOf(tree);
    const found = indices(node(tree, "index"));
    const value = expression(node(tree, "expression"), tree);
    const span = spanOf(tree);
    const global = token(tree, "keyword_global");
    const typeTree = node(tree, "type");
    const equals = token(tree, "Equals");
    if (!equals && (token(tree, "Tilde") || typeTree || global)) {
      const by = node(tree, "by");
      return {
        kind: "sample",
        global: global !== undefined,
        name,
        indices: found,
        ...(typeTree ? { type: type(typeTree, tree) } : {}),
        distribution: value,
        ...(by ? { by: expression(by, tree) } : {}),
        autoregressive: token(tree, "keyword_autoregressive") !== undefined,
        span,
      };
    }
    if (equals && (typeTree || global)) {
      const drawn = value.kind === "call" && value.callee.kind === "name" && /^[A-Z]/.test(value.callee.name);
      report(
        syntaxError("LVM1013", global ? "`global` belongs to a draw, not to a value" : "a value has no type", global ? tokenSpan(global) : typeTree ? spanOf(typeTree) : span, {
          label: global ? "a value is not drawn" : "its type is inferred",
          related: [{ span: tokenSpan(equals), text: "`=` names a value" }],
          help: drawn ? `write \`~\` to draw \`${name.name}\` from the distribution` : `write \`${name.name} = …\` for a value, or \`~\` and a distribution for a draw`,
          ...(drawn ? { fixes: [{ title: "Write `~`", edits: [{ span: tokenSpan(equals), text: "~" }] }] } : {}),
        }),
      );
      if (drawn) {
        return {
          kind: "sample",
          global: global !== undefined,
          name,
          indices: found,
          ...(typeTree ? { type: type(typeTree, tree) } : {}),
          distribution: value,
          autoregressive: false,
          span,
        };
      }
    }
    return { kind: "let", name, indices: found, value, span };
  }

  function loop(head: CstNode, body: readonly Statement[], end: number): LoopStatement {
    const word = token(head, "loop");
    const range = expression(node(head, "expression"), head);
    const start = spanOf(head).start;
    if (range.kind !== "range" && range.kind !== "missing") {
      report(
        syntaxError("LVM1001", "a range is expected", range.span, {
          label: "this is not a range",
          help: `write \`${word?.image ?? "each"} ${nameOf(head).name || "t"} in 1..T { … }\``,
        }),
      );
    }
    return {
      kind: "loop",
      loop: word?.image === "chain" ? "chain" : "each",
      variable: nameOf(head),
      range: range.kind === "range" ? range : { kind: "range", from: missing(range.span), to: missing(range.span), span: range.span },
      body,
      span: at(start, Math.max(end, spanOf(head).end)),
    };
  }

  function statements(tree: CstNode | undefined): Statement[] {
    return tree ? nodes(tree, "statement").flatMap((found) => statement(found) ?? []) : [];
  }

  function trainStatement(tree: CstNode): TrainStatement | undefined {
    const maximize = node(tree, "maximize");
    if (maximize) {
      return {
        kind: "maximize",
        objective: expression(node(maximize, "expression"), maximize),
        constraints: nodes(maximize, "constraint").map((found) => expression(found, maximize)),
        span: spanOf(maximize),
      };
    }
    const setting = node(tree, "setting");
    return (
      setting && {
        kind: token(setting, "keyword_observe") ? "observe" : "setting",
        name: nameOf(setting),
        value: expression(node(setting, "expression"), setting),
        span: spanOf(setting),
      }
    );
  }

  // ── Items ──

  function item(
    head: CstNode,
    { body, trainBody, end }: { readonly body: readonly Statement[]; readonly trainBody: readonly TrainStatement[]; readonly end: number },
    doc: string,
  ): Item | undefined {
    const span = at(spanOf(head).start, Math.max(end, spanOf(head).end));
    const base = { doc, span };
    const inner = node(head, "expression");
    switch (head.name as ItemHead) {
      case "importItem": {
        const path = token(head, "String");
        const nowhere: StringLiteral = { kind: "string", value: "", span: at(span.end, span.end) };
        return { kind: "import", names: names(node(head, "names")), path: path ? stringLiteral(path) : nowhere, ...base } satisfies ImportItem;
      }
      case "constItem":
        return { kind: "const", name: nameOf(head), value: expression(inner, head), ...base };
      case "paramItem":
        return { kind: "param", name: nameOf(head), type: type(node(head, "type"), head), ...(inner ? { init: expression(inner, head) } : {}), ...base };
      case "networkHead":
        return { kind: "network", name: nameOf(head), inputs: columns(node(head, "inputs")), outputs: columns(node(head, "outputs")), body, ...base } satisfies NetworkItem;
      case "modelHead":
        return { kind: "model", name: nameOf(head), columns: columns(node(head, "inputs")), ...(inner ? { where: expression(inner, head) } : {}), body, ...base } satisfies ModelItem;
      case "guideHead":
        return { kind: "guide", name: nameOf(head), body, ...base } satisfies GuideItem;
      case "trainHead":
        return { kind: "train", name: nameOf(head), ...(inner ? { on: expression(inner, head) } : {}), body: trainBody, ...base } satisfies TrainItem;
      default:
        return undefined;
    }
  }

  function items(tree: CstNode, docOf: (at: number) => string): Item[] {
    return nodes(tree, "item").flatMap((found) => {
      const head = Object.values(found.children).flat().find((child): child is CstNode => "name" in child && child.name !== "block" && child.name !== "trainBlock");
      if (!head) return [];
      const trainBlock = node(found, "trainBlock");
      const trainBody = trainBlock ? nodes(trainBlock, "trainStatement").flatMap((inner) => trainStatement(inner) ?? []) : [];
      const built = item(head, { body: statements(node(found, "block")), trainBody, end: spanOf(found).end }, docOf(spanOf(found).start));
      return built ?? [];
    });
  }

  return { items, item, statement, trainStatement, loop };
}

/** Operators whose token was written as another sign (`**`) keep its text: the type says which is meant. */
const operatorNames: Readonly<Record<string, BinaryOperator>> = {
  Plus: "+", Minus: "-", Star: "*", Slash: "/", At: "@", Caret: "^", Less: "<", LessEqual: "<=", Greater: ">", GreaterEqual: ">=", EqualEqual: "==", NotEqual: "!=",
};

function operatorOf(sign: IToken): BinaryOperator {
  return operatorNames[sign.tokenType.name] ?? "+";
}
