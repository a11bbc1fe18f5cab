import type { Checked } from "../diagnostics/diagnostic.js";
import { hasErrors } from "../diagnostics/diagnostic.js";
import { positionAt, type SourceFile, type Span } from "../diagnostics/span.js";
import type { Argument, BinaryExpression, ColumnDeclaration, Comment, Expression, Item, Module, Statement, TrainStatement } from "./ast.js";
import { parse } from "./parse.js";
import { printColumn, printExpression, printIndices, printString, printType } from "./print-expression.js";

/** Columns that a line should keep to; comments are never broken. */
const widest = 100;

/**
 * A file's text in the language's one form. Comments stay where they are: on their own line, behind a statement, between pipes or
 * list elements; one inside another expression moves above its statement. `print(parse(print(m))) = print(m)`.
 */
export function print(module: Module): string {
  return printer(module).file();
}

/** Formats a source; one with syntax errors is left alone. */
export function format(source: SourceFile): Checked<string | undefined> {
  const { value, diagnostics } = parse(source);
  return hasErrors(diagnostics) ? { value: undefined, diagnostics } : { value: print(value), diagnostics };
}

interface Spanned {
  readonly span: Span;
}

interface Element extends Spanned {
  /** Lines of text, the later ones indented in full; comments that found no place go to `homeless`. */
  readonly lay: (indent: number, column: number, after: number) => string;
}

function printer(module: Module): { file: () => string } {
  const { source, comments } = module;
  const { text } = source;
  const done = new Set<Comment>();
  let homeless: Comment[] = [];

  const lineAt = (offset: number): number => positionAt(source, offset).line;
  const lastLine = (span: Span): number => lineAt(Math.max(span.start, span.end - 1));
  const spaces = (count: number): string => " ".repeat(count);
  const written = (comment: Comment): string => `${comment.doc ? "///" : "//"}${comment.text}`;
  const lastWidth = (printed: string): number => printed.length - (printed.lastIndexOf("\n") + 1);

  /** Index of the first comment at or after an offset. */
  function firstComment(offset: number): number {
    let low = 0;
    let high = comments.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((comments[middle]?.span.start ?? Infinity) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Comments in a range that are not printed yet. */
  function pending(start: number, end: number): Comment[] {
    const found: Comment[] = [];
    for (let index = firstComment(start); index < comments.length; index += 1) {
      const comment = comments[index];
      if (!comment || comment.span.start >= end) break;
      if (!done.has(comment)) found.push(comment);
    }
    return found;
  }
  const commented = (start: number, end: number): boolean => pending(start, end).length > 0;
  const within = (span: Span): boolean => commented(span.start, span.end);

  function take(found: readonly Comment[]): readonly Comment[] {
    for (const comment of found) done.add(comment);
    return found;
  }

  /** Comments of a range that find no place where they stand: they move above the line. A `///` that moves documents nothing. */
  function uproot(start: number, end: number): void {
    for (const comment of take(pending(start, end))) homeless.push(comment.doc ? { ...comment, doc: false } : comment);
  }

  /** Offset of a sign after `from`, outside of comments. */
  function find(sign: string, from: number): number {
    let at = from;
    let index = firstComment(from);
    while (at < text.length) {
      const comment = comments[index];
      const found = text.indexOf(sign, at);
      if (found < 0) return text.length;
      if (!comment || found < comment.span.start) return found;
      at = Math.max(at, comment.span.end);
      index += 1;
    }
    return text.length;
  }

  // ── Expressions that may take several lines ──

  /**
   * Lays an expression out. `indent`: where its later lines stand, less 2; `column`: where it begins; `after`: columns that what
   * follows on its last line needs.
   */
  function lay(node: Expression, indent: number, column: number, after: number): string {
    if (node.kind === "pipe") return layPipe(node, indent, column, after);
    const flat = printExpression(node);
    const fits = column + flat.length + after <= widest;
    if (fits && !within(node.span)) return flat;
    switch (node.kind) {
      case "call": {
        const elements = node.args.map((arg): Element => ({ span: arg.span, lay: (...place) => layArgument(arg, ...place) }));
        return `${printExpression(node.callee)}${layList("(", elements, node.callee.span.end, node.span.end - 1, ")", indent)}`;
      }
      case "array": {
        const elements = node.elements.map((element): Element => ({ span: element.span, lay: (...place) => lay(element, ...place) }));
        return layList("[", elements, node.span.start, node.span.end - 1, "]", indent);
      }
      case "parenthesized": {
        const element: Element = { span: node.expression.span, lay: (...place) => lay(node.expression, ...place) };
        return layList("(", [element], node.span.start, node.span.end - 1, ")", indent);
      }
      case "binary":
        if (!fits) return layBinary(node, indent, column, after);
        break;
      default:
        break;
    }
    uproot(node.span.start, node.span.end);
    return flat;
  }

  function layArgument(node: Argument, indent: number, column: number, after: number): string {
    if (!node.name) return lay(node.value, indent, column, after);
    const name = `${node.name.name}${printIndices(node.indices ?? [])} = `;
    uproot(node.span.start, node.value.span.start);
    return name + lay(node.value, indent, column + name.length, after);
  }

  /** Operators of the weakest kind each begin a line. */
  function layBinary(node: BinaryExpression, indent: number, column: number, after: number): string {
    const family = families.find((operators) => operators.includes(node.operator)) ?? [node.operator];
    const parts: { readonly operator: string; readonly operand: Expression }[] = [];
    let left: Expression = node;
    while (left.kind === "binary" && family.includes(left.operator)) {
      parts.unshift({ operator: left.operator, operand: left.right });
      left = left.left;
    }
    uproot(node.span.start, node.span.end);
    if (node.operator === "^") return printExpression(node);
    const lines = [lay(left, indent + 2, column, 0)];
    parts.forEach(({ operator, operand }, index) => {
      const room = index === parts.length - 1 ? after : 0;
      lines.push(`${spaces(indent + 2)}${operator} ${lay(operand, indent + 2, indent + 4 + operator.length - 1, room)}`);
    });
    return lines.join("\n");
  }

  /** One line for each element, with its comments. */
  function layList(open: string, elements: readonly Element[], start: number, end: number, close: string, indent: number): string {
    const outer = homeless;
    const lines: string[] = [];
    const inside = indent + 2;
    let first = open;
    let from = start;
    elements.forEach((element, index) => {
      const comma = index < elements.length - 1 ? "," : "";
      for (const comment of take(pending(from, element.span.start))) {
        // Behind the opening bracket or the comma before: it stays on that line while there is room for one comment.
        if (!comment.ownLine && lines.length === 0 && first === open) first = `${open} ${written(comment)}`;
        else lines.push(`${spaces(inside)}${written(comment)}`);
      }
      homeless = [];
      const laid = element.lay(inside, inside, comma.length);
      for (const comment of homeless) lines.push(`${spaces(inside)}${written(comment)}`);
      const next = elements[index + 1]?.span.start ?? end;
      const trailing = pending(element.span.end, next).find((comment) => !comment.ownLine && lineAt(comment.span.start) === lastLine(element.span));
      if (trailing) take([trailing]);
      lines.push(`${spaces(inside)}${laid}${comma}${trailing ? ` ${written(trailing)}` : ""}`);
      from = element.span.end;
    });
    for (const comment of take(pending(from, end))) lines.push(`${spaces(inside)}${written(comment)}`);
    homeless = outer;
    return [first, ...lines, `${spaces(indent)}${close}`].join("\n");
  }

  /** Breaks before a `|>` stay where they were; a line that is too long, and one with a comment inside, is broken further. */
  function layPipe(node: Expression, indent: number, column: number, after: number): string {
    const stages: Expression[] = [];
    let left: Expression = node;
    while (left.kind === "pipe") {
      stages.unshift(left.into);
      left = left.value;
    }
    stages.unshift(left);
    const gapStart = (index: number): number => stages[index - 1]?.span.end ?? 0;
    const gapEnd = (index: number): number => stages[index]?.span.start ?? 0;
    const broken = stages.map((_, index) => index > 0 && (lineAt(gapStart(index) - 1) !== lineAt(find("|>", gapStart(index))) || commented(gapStart(index), gapEnd(index))));
    const flat = stages.map((stage) => printExpression(stage));

    // Groups of stages that share a line.
    const groups: number[][] = [];
    stages.forEach((_, index) => {
      if (index === 0 || broken[index]) groups.push([index]);
      else groups.at(-1)?.push(index);
    });
    const lines: string[] = [];
    const unplaced: Comment[] = [];
    groups.forEach((group, groupIndex) => {
      const begin = groupIndex === 0 ? column : indent + 5;
      const room = groupIndex === groups.length - 1 ? after : 0;
      const width = group.reduce((sum, index) => sum + (flat[index]?.length ?? 0), 0) + 4 * (group.length - 1);
      const whole = begin + width + room <= widest && !group.some((index) => stages[index] && within(stages[index].span));
      // A long line of stages: all on lines of their own (the whole pipe, when it was one line).
      const parts = whole ? [group] : group.map((index) => [index]);
      parts.forEach((part) => {
        const head = part[0] ?? 0;
        const last = stages[part.at(-1) ?? head];
        if (head > 0) {
          for (const comment of take(pending(gapStart(head), gapEnd(head)))) {
            const previous = lines.length - 1;
            if (!comment.ownLine && !unplaced.includes(comment) && !(lines[previous] ?? "").includes("//")) lines[previous] = `${lines[previous] ?? ""} ${written(comment)}`;
            else lines.push(`${spaces(indent + 2)}${written(comment)}`);
          }
        }
        const prefix = head > 0 ? `${spaces(indent + 2)}|> ` : "";
        const room2 = last === stages.at(-1) ? after : 0;
        const laid = whole
          ? part.map((index) => flat[index] ?? "").join(" |> ")
          : part.map((index) => (stages[index] ? lay(stages[index], head > 0 ? indent + 2 : indent, head > 0 ? indent + 5 : column, room2) : "")).join(" |> ");
        lines.push(prefix + laid);
      });
    });
    return lines.join("\n");
  }

  // ── Statements ──

  function names(list: readonly { readonly name: string }[]): string {
    return list.map((name) => name.name).join(", ");
  }

  /** `head` and the expression behind it; comments in what `head` says move above. */
  function line(head: string, value: Expression, node: Spanned, indent: number, tail = ""): string {
    uproot(node.span.start, value.span.start);
    const laid = lay(value, indent, indent + head.length, tail.length);
    uproot(value.span.end, node.span.end);
    return head + laid + tail;
  }

  function simple(printed: string, node: Spanned): string {
    uproot(node.span.start, node.span.end);
    return printed;
  }

  function statement(node: Statement | TrainStatement, indent: number): string {
    switch (node.kind) {
      case "let":
        return line(`${node.name.name}${printIndices(node.indices)} = `, node.value, node, indent);
      case "sample": {
        const type = node.type ? `: ${printType(node.type)}` : "";
        const tail = `${node.autoregressive ? " autoregressive" : ""}${node.by ? ` by ${printExpression(node.by)}` : ""}`;
        return line(`${node.global ? "global " : ""}${node.name.name}${printIndices(node.indices)}${type} ~ `, node.distribution, node, indent, tail);
      }
      case "local": {
        const head = `local ${node.name.name}: ${printType(node.type)}`;
        return node.init ? line(`${head} = `, node.init, node, indent) : simple(head, node);
      }
      case "auto":
        return simple(`auto ${printExpression(node.family)} ${names(node.sites)}`, node);
      case "marginalize":
        return simple(`marginalize ${names(node.sites)}`, node);
      case "loop":
        return block(`${node.loop} ${node.variable.name} in ${printExpression(node.range)}`, node, node.range.span.end, node.body, indent);
      case "maximize": {
        const constraints = node.constraints.length === 0 ? "" : ` subject to ${node.constraints.map((constraint) => printExpression(constraint)).join(", ")}`;
        return line("maximize ", node.objective, node, indent, constraints);
      }
      case "setting":
        return line(`${node.name.name} = `, node.value, node, indent);
      case "observe":
        return line(`observe ${node.name.name} = `, node.value, node, indent);
    }
  }

  /** `head { … }`; `headEnd`: where the head's last part ends in the source. */
  function block(head: string, node: Spanned, headEnd: number, body: readonly (Statement | TrainStatement)[], indent: number): string {
    uproot(node.span.start, headEnd);
    const open = find("{", headEnd);
    const close = node.span.end - 1;
    const behind = [...pending(headEnd, open), ...pending(open, body[0]?.span.start ?? close).filter((comment) => !comment.ownLine && lineAt(comment.span.start) === lineAt(open))];
    const [trailing, ...rest] = take(behind);
    const lead = rest.map((comment) => `${spaces(indent + 2)}${written(comment)}`);
    const inner = [...lead, ...sequence(body, open + 1, close, indent + 2, (child) => statement(child, indent + 2))];
    if (inner.length === 0 && !trailing) return `${head} {}`;
    return [`${head} {${trailing ? ` ${written(trailing)}` : ""}`, ...inner, `${spaces(indent)}}`].join("\n");
  }

  /** Nodes one below the other, with comments and at most one empty line between them. */
  function sequence<T extends Spanned>(nodes: readonly T[], start: number, end: number, indent: number, printNode: (node: T) => string): string[] {
    const lines: string[] = [];
    let line = lineAt(start);
    let from = start;
    const put = (printed: string, firstLine: number, endLine: number): void => {
      if (lines.length > 0 && firstLine > line + 1) lines.push("");
      lines.push(spaces(indent) + printed);
      line = endLine;
    };
    nodes.forEach((node, index) => {
      for (const comment of take(pending(from, node.span.start))) put(written(comment), lineAt(comment.span.start), lineAt(comment.span.start));
      const outer = homeless;
      homeless = [];
      const printed = printNode(node);
      const moved = homeless;
      homeless = outer;
      const firstLine = lineAt(node.span.start);
      for (const comment of moved) put(written(comment), firstLine, firstLine - 1);
      const next = nodes[index + 1]?.span.start ?? end;
      const endLine = lastLine(node.span);
      const trailing = pending(node.span.end, next).find((comment) => !comment.ownLine && lineAt(comment.span.start) === endLine);
      if (trailing) take([trailing]);
      put(`${printed}${trailing ? ` ${written(trailing)}` : ""}`, firstLine, endLine);
      from = node.span.end;
    });
    for (const comment of take(pending(from, end))) put(written(comment), lineAt(comment.span.start), lineAt(comment.span.start));
    return lines;
  }

  // ── Items ──

  function columnList(columns: readonly ColumnDeclaration[], from: number, before: string, after: string): { readonly printed: string; readonly end: number } {
    const start = find("(", from);
    const end = find(")", columns.at(-1)?.span.end ?? start);
    const flat = `(${columns.map(printColumn).join(", ")})`;
    if (lastWidth(before) + flat.length + after.length <= widest && !commented(start, end)) return { printed: before + flat, end: end + 1 };
    const elements = columns.map((column): Element => ({
      span: column.span,
      lay: () => {
        uproot(column.span.start, column.span.end);
        return printColumn(column);
      },
    }));
    return { printed: before + layList("(", elements, start, end, ")", 0), end: end + 1 };
  }

  function item(node: Item): string {
    switch (node.kind) {
      case "import":
        return simple(`import ${names(node.names)} from ${printString(node.path.value)}`, node);
      case "const":
        return line(`const ${node.name.name} = `, node.value, node, 0);
      case "param": {
        const head = `param ${node.name.name}: ${printType(node.type)}`;
        return node.init ? line(`${head} = `, node.init, node, 0) : simple(head, node);
      }
      case "network": {
        uproot(node.span.start, node.name.span.end);
        const outputs = ` -> (${node.outputs.map(printColumn).join(", ")}) {`;
        const inputs = columnList(node.inputs, node.name.span.end, `network ${node.name.name}`, outputs);
        const arrow = find("(", inputs.end);
        uproot(inputs.end, arrow);
        const all = columnList(node.outputs, arrow, `${inputs.printed} -> `, " {");
        return block(all.printed, node, all.end, node.body, 0);
      }
      case "model": {
        uproot(node.span.start, node.name.span.end);
        const where = node.where ? ` where ${printExpression(node.where)}` : "";
        const columns = columnList(node.columns, node.name.span.end, `model ${node.name.name}`, `${where} {`);
        return block(columns.printed + where, node, node.where?.span.end ?? columns.end, node.body, 0);
      }
      case "guide":
        return block(`guide ${node.name.name}`, node, node.name.span.end, node.body, 0);
      case "train": {
        const head = `train ${node.name.name}${node.on ? ` on ${printExpression(node.on)}` : ""}`;
        const headEnd = node.on?.span.end ?? node.name.span.end;
        return node.span.end > headEnd ? block(head, node, headEnd, node.body, 0) : simple(head, node);
      }
    }
  }

  function file(): string {
    const lines = sequence(module.items, 0, text.length + 1, 0, item);
    return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
  }

  return { file };
}

const families: readonly (readonly string[])[] = [["+", "-"], ["*", "/", "@"], ["<", "<=", ">", ">=", "==", "!="], ["^"]];
