import { CstParser, EOF, type CstNode, type IParserErrorMessageProvider, type IToken, type ParserMethod } from "chevrotain";
import * as t from "./tokens.js";

/**
 * The grammar, as Chevrotain productions that yield a concrete tree. Operators are read as a flat list; `build-ast.ts` gives them
 * their precedence. `module` reads a whole file; when that fails, `segment.ts` splits the file and the productions for single
 * heads and statements read the parts, so that one mistake never hurts its neighbours.
 */

const { keywords: k } = t;

/** Error messages are only what was expected: `explain-error.ts` makes sentences of them. */
const expectations: IParserErrorMessageProvider = {
  buildMismatchTokenMessage: ({ expected }) => expected.LABEL ?? expected.name,
  buildNotAllInputParsedMessage: () => "",
  buildNoViableAltMessage: ({ customUserDescription }) => customUserDescription ?? "",
  buildEarlyExitMessage: ({ customUserDescription }) => customUserDescription ?? "",
};

const vocabulary = [
  t.Identifier, t.NumberToken, t.StringToken, ...Object.values(k), t.Arrow, t.Pipe, t.DotDot, t.LessEqual, t.GreaterEqual, t.EqualEqual,
  t.NotEqual, t.Less, t.Greater, t.Equals, t.Tilde, t.Plus, t.Minus, t.Star, t.Slash, t.At, t.Caret, t.Bar, t.Comma, t.Colon, t.Dot,
  t.Question, ...t.brackets.flat(), t.BadNumber, t.UnclosedString, t.QuotedString,
];

/** What follows a word that is meant as a name being declared, not as a keyword. */
const declares = new Set([t.Equals, t.Tilde, t.Colon, t.LeftBracket]);

type Production = ParserMethod<[], CstNode>;

export class Grammar extends CstParser {
  readonly module: Production;
  readonly importItem: Production;
  readonly constItem: Production;
  readonly paramItem: Production;
  readonly networkHead: Production;
  readonly modelHead: Production;
  readonly guideHead: Production;
  readonly trainHead: Production;
  readonly loopHead: Production;
  readonly statement: Production;
  readonly trainStatement: Production;
  readonly expression: Production;

  /** `validate`: whether Chevrotain looks for ambiguities of the grammar, which takes as long as reading a file; a test does. */
  constructor(recoveryEnabled: boolean, validate = false) {
    super([...vocabulary], { recoveryEnabled, maxLookahead: 2, nodeLocationTracking: "onlyOffset", errorMessageProvider: expectations, skipValidations: !validate });

    // ── Expressions ──

    const expression = this.RULE("expression", () => {
      this.SUBRULE(operand);
      this.MANY(() => {
        this.CONSUME(t.Pipe);
        this.SUBRULE1(operand);
      });
    });

    /** Between pipes: operators in a row, or a range of two such rows. */
    const operand = this.RULE("operand", () => {
      this.SUBRULE(operators);
      this.OPTION(() => {
        this.CONSUME(t.DotDot);
        this.SUBRULE1(operators);
      });
    });

    const operators = this.RULE("operators", () => {
      this.SUBRULE(unary);
      this.MANY(() => {
        this.OR([
          { ALT: () => this.CONSUME(t.Plus, { LABEL: "operator" }) },
          { ALT: () => this.CONSUME1(t.Minus, { LABEL: "operator" }) },
          { ALT: () => this.CONSUME(t.Star, { LABEL: "operator" }) },
          { ALT: () => this.CONSUME(t.Slash, { LABEL: "operator" }) },
          { ALT: () => this.CONSUME(t.At, { LABEL: "operator" }) },
          { ALT: () => this.CONSUME(t.Caret, { LABEL: "operator" }) },
          { ALT: () => this.CONSUME(t.Less, { LABEL: "operator" }) },
          { ALT: () => this.CONSUME(t.LessEqual, { LABEL: "operator" }) },
          { ALT: () => this.CONSUME(t.Greater, { LABEL: "operator" }) },
          { ALT: () => this.CONSUME(t.GreaterEqual, { LABEL: "operator" }) },
          { ALT: () => this.CONSUME(t.EqualEqual, { LABEL: "operator" }) },
          { ALT: () => this.CONSUME(t.NotEqual, { LABEL: "operator" }) },
        ]);
        this.SUBRULE1(unary);
      });
    });

    const unary = this.RULE("unary", () => {
      this.MANY(() => this.CONSUME(t.Minus));
      this.SUBRULE(postfix);
    });

    const postfix = this.RULE("postfix", () => {
      this.SUBRULE(primary);
      this.MANY({
        // A bracket on a new line does not go on with the line before: no statement begins with one, so it is a mistake there.
        GATE: () => this.LA(1).tokenType === t.Dot || this.LA(1).startLine === this.LA(0).endLine,
        DEF: () =>
          this.OR([
            { ALT: () => this.SUBRULE(call) },
            { ALT: () => this.SUBRULE(index) },
            { ALT: () => this.SUBRULE(member) },
          ]),
      });
    });

    const call = this.RULE("call", () => {
      this.CONSUME(t.LeftParenthesis);
      this.OPTION(() => {
        this.SUBRULE(argument);
        this.MANY({
          GATE: () => this.LA(2).tokenType !== t.RightParenthesis,
          DEF: () => {
            this.CONSUME(t.Comma);
            this.SUBRULE1(argument);
          },
        });
        this.OPTION1(() => this.CONSUME1(t.Comma));
      });
      this.CONSUME(t.RightParenthesis);
    });

    /** `0`, `logits = f(z)`, `x[0] = f(x)`, `x[t-1] | x[t]`. */
    const argument = this.RULE("argument", () => {
      this.SUBRULE(expression);
      this.OPTION(() => {
        this.OR([
          {
            ALT: () => {
              this.CONSUME(t.Equals);
              this.SUBRULE1(expression, { LABEL: "value" });
            },
          },
          {
            ALT: () => {
              this.CONSUME(t.Bar);
              this.SUBRULE2(expression, { LABEL: "given" });
            },
          },
        ]);
      });
    });

    const index = this.RULE("index", () => {
      this.CONSUME(t.LeftBracket);
      this.SUBRULE(expression);
      this.MANY({
        GATE: () => this.LA(2).tokenType !== t.RightBracket,
        DEF: () => {
          this.CONSUME(t.Comma);
          this.SUBRULE1(expression);
        },
      });
      this.OPTION1(() => this.CONSUME1(t.Comma));
      this.CONSUME(t.RightBracket);
    });

    const member = this.RULE("member", () => {
      this.CONSUME(t.Dot);
      this.CONSUME(t.Identifier);
    });

    const primary = this.RULE("primary", () => {
      this.OR({
        DEF: [
          { ALT: () => this.CONSUME(t.Identifier) },
          { ALT: () => this.CONSUME(t.NumberToken) },
          { ALT: () => this.CONSUME(t.StringToken) },
          { ALT: () => this.SUBRULE(parenthesized) },
          { ALT: () => this.SUBRULE(array) },
        ],
        ERR_MSG: "an expression",
      });
    });

    const parenthesized = this.RULE("parenthesized", () => {
      this.CONSUME(t.LeftParenthesis);
      this.SUBRULE(expression);
      this.CONSUME(t.RightParenthesis);
    });

    const array = this.RULE("array", () => {
      this.CONSUME(t.LeftBracket);
      this.OPTION(() => {
        this.SUBRULE(expression);
        this.MANY({
          GATE: () => this.LA(2).tokenType !== t.RightBracket,
          DEF: () => {
            this.CONSUME(t.Comma);
            this.SUBRULE1(expression);
          },
        });
        this.OPTION1(() => this.CONSUME1(t.Comma));
      });
      this.CONSUME(t.RightBracket);
    });

    // ── Types and columns ──

    const type = this.RULE("type", () => {
      this.CONSUME(t.Identifier);
      this.OPTION(() => {
        this.CONSUME(t.LeftParenthesis);
        this.SUBRULE(expression, { LABEL: "arg" });
        this.MANY(() => {
          this.CONSUME(t.Comma);
          this.SUBRULE1(expression, { LABEL: "arg" });
        });
        this.CONSUME(t.RightParenthesis);
      });
      this.OPTION1(() => this.SUBRULE(index));
      this.OPTION2(() => this.CONSUME(t.Question));
    });

    const column = this.RULE("column", () => {
      this.CONSUME(t.Identifier);
      this.OPTION(() => this.SUBRULE(index));
      this.CONSUME(t.Colon);
      this.SUBRULE(type);
      this.OPTION1(() => {
        this.CONSUME(k.dropout);
        this.SUBRULE(expression, { LABEL: "dropout" });
      });
    });

    const columns = this.RULE("columns", () => {
      this.CONSUME(t.LeftParenthesis);
      this.OPTION(() => {
        this.SUBRULE(column);
        this.MANY({
          GATE: () => this.LA(2).tokenType !== t.RightParenthesis,
          DEF: () => {
            this.CONSUME(t.Comma);
            this.SUBRULE1(column);
          },
        });
        this.OPTION1(() => this.CONSUME1(t.Comma));
      });
      this.CONSUME(t.RightParenthesis);
    });

    const names = this.RULE("names", () => {
      this.CONSUME(t.Identifier);
      this.MANY(() => {
        this.CONSUME(t.Comma);
        this.CONSUME1(t.Identifier);
      });
    });

    // ── Statements ──

    this.loopHead = this.RULE("loopHead", () => {
      this.OR([{ ALT: () => this.CONSUME(k.chain, { LABEL: "loop" }) }, { ALT: () => this.CONSUME(k.each, { LABEL: "loop" }) }]);
      this.CONSUME(t.Identifier);
      this.CONSUME(k.in);
      this.SUBRULE(expression);
    });
    const loopHead = this.loopHead;

    const loop = this.RULE("loop", () => {
      this.SUBRULE(loopHead);
      this.SUBRULE(block);
    });

    const auto = this.RULE("auto", () => {
      this.CONSUME(k.auto);
      this.SUBRULE(postfix);
      this.SUBRULE(names);
    });

    const marginalize = this.RULE("marginalize", () => {
      this.CONSUME(k.marginalize);
      this.SUBRULE(names);
    });

    const local = this.RULE("local", () => {
      this.CONSUME(k.local);
      this.CONSUME(t.Identifier);
      this.CONSUME(t.Colon);
      this.SUBRULE(type);
      this.OPTION(() => {
        this.CONSUME(t.Equals);
        this.SUBRULE(expression);
      });
    });

    /** `name = value` and `name: type ~ distribution` in one: a type on a value is told in words by `build-ast.ts`. */
    const assignment = this.RULE("assignment", () => {
      this.OPTION({ GATE: () => !declares.has(this.LA(2).tokenType), DEF: () => this.CONSUME(k.global) });
      this.CONSUME(t.Identifier);
      this.OPTION1(() => this.SUBRULE(index));
      this.OPTION2(() => {
        this.CONSUME(t.Colon);
        this.SUBRULE(type);
      });
      this.OR({
        DEF: [
          {
            ALT: () => {
              this.CONSUME(t.Equals);
              this.SUBRULE(expression);
            },
          },
          {
            ALT: () => {
              this.CONSUME(t.Tilde);
              this.SUBRULE1(expression);
              this.OPTION3({ GATE: () => !declares.has(this.LA(2).tokenType), DEF: () => this.CONSUME(k.autoregressive) });
              this.OPTION4({
                GATE: () => !declares.has(this.LA(2).tokenType),
                DEF: () => {
                  this.CONSUME(k.by);
                  this.SUBRULE2(expression, { LABEL: "by" });
                },
              });
            },
          },
        ],
        ERR_MSG: "`=` or `~`",
      });
    });

    this.statement = this.RULE("statement", () => {
      const keyword = (): boolean => !declares.has(this.LA(2).tokenType);
      this.OR({
        DEF: [
          { GATE: keyword, ALT: () => this.SUBRULE(loop) },
          { GATE: keyword, ALT: () => this.SUBRULE(auto) },
          { GATE: keyword, ALT: () => this.SUBRULE(marginalize) },
          { GATE: keyword, ALT: () => this.SUBRULE(local) },
          { ALT: () => this.SUBRULE(assignment) },
        ],
        ERR_MSG: "a statement",
        MAX_LOOKAHEAD: 1,
        IGNORE_AMBIGUITIES: true,
      });
    });
    const statement = this.statement;

    const block = this.RULE("block", () => {
      this.CONSUME(t.LeftBrace);
      this.MANY(() => this.SUBRULE(statement));
      this.CONSUME(t.RightBrace);
    });

    const maximize = this.RULE("maximize", () => {
      this.CONSUME(k.maximize);
      this.SUBRULE(expression);
      this.OPTION({
        GATE: () => this.LA(2).tokenType === k.to,
        DEF: () => {
          this.CONSUME(k.subject);
          this.CONSUME(k.to);
          this.SUBRULE1(expression, { LABEL: "constraint" });
          this.MANY(() => {
            this.CONSUME(t.Comma);
            this.SUBRULE2(expression, { LABEL: "constraint" });
          });
        },
      });
    });

    const setting = this.RULE("setting", () => {
      this.OPTION({ GATE: () => !declares.has(this.LA(2).tokenType), DEF: () => this.CONSUME(k.observe) });
      this.CONSUME(t.Identifier);
      this.CONSUME(t.Equals);
      this.SUBRULE(expression);
    });

    this.trainStatement = this.RULE("trainStatement", () => {
      this.OR({
        DEF: [{ GATE: () => !declares.has(this.LA(2).tokenType), ALT: () => this.SUBRULE(maximize) }, { ALT: () => this.SUBRULE(setting) }],
        ERR_MSG: "`maximize` or a setting",
        MAX_LOOKAHEAD: 1,
        IGNORE_AMBIGUITIES: true,
      });
    });
    const trainStatement = this.trainStatement;

    // ── Items ──

    this.importItem = this.RULE("importItem", () => {
      this.CONSUME(k.import);
      this.SUBRULE(names);
      this.CONSUME(k.from);
      this.CONSUME(t.StringToken);
    });
    this.constItem = this.RULE("constItem", () => {
      this.CONSUME(k.const);
      this.CONSUME(t.Identifier);
      this.CONSUME(t.Equals);
      this.SUBRULE(expression);
    });
    this.paramItem = this.RULE("paramItem", () => {
      this.CONSUME(k.param);
      this.CONSUME(t.Identifier);
      this.CONSUME(t.Colon);
      this.SUBRULE(type);
      this.OPTION(() => {
        this.CONSUME(t.Equals);
        this.SUBRULE(expression);
      });
    });
    this.networkHead = this.RULE("networkHead", () => {
      this.CONSUME(k.network);
      this.CONSUME(t.Identifier);
      this.SUBRULE(columns, { LABEL: "inputs" });
      this.CONSUME(t.Arrow);
      this.SUBRULE1(columns, { LABEL: "outputs" });
    });
    this.modelHead = this.RULE("modelHead", () => {
      this.CONSUME(k.model);
      this.CONSUME(t.Identifier);
      this.SUBRULE(columns, { LABEL: "inputs" });
      this.OPTION(() => {
        this.CONSUME(k.where);
        this.SUBRULE(expression);
      });
    });
    this.guideHead = this.RULE("guideHead", () => {
      this.CONSUME(k.guide);
      this.CONSUME(t.Identifier);
    });
    this.trainHead = this.RULE("trainHead", () => {
      this.CONSUME(k.train);
      this.CONSUME(t.Identifier);
      this.OPTION(() => {
        this.CONSUME(k.on);
        this.SUBRULE(expression);
      });
    });
    const { importItem, constItem, paramItem, networkHead, modelHead, guideHead, trainHead } = this;

    const trainBlock = this.RULE("trainBlock", () => {
      this.CONSUME(t.LeftBrace);
      this.MANY(() => this.SUBRULE(trainStatement));
      this.CONSUME(t.RightBrace);
    });

    const item = this.RULE("item", () => {
      this.OR({
        DEF: [
          { ALT: () => this.SUBRULE(importItem) },
          { ALT: () => this.SUBRULE(constItem) },
          { ALT: () => this.SUBRULE(paramItem) },
          {
            ALT: () => {
              this.SUBRULE(networkHead);
              this.SUBRULE(block);
            },
          },
          {
            ALT: () => {
              this.SUBRULE(modelHead);
              this.SUBRULE1(block);
            },
          },
          {
            ALT: () => {
              this.SUBRULE(guideHead);
              this.SUBRULE2(block);
            },
          },
          {
            ALT: () => {
              this.SUBRULE(trainHead);
              this.OPTION(() => this.SUBRULE(trainBlock));
            },
          },
        ],
        ERR_MSG: "a declaration",
      });
    });

    this.module = this.RULE("module", () => {
      this.MANY(() => this.SUBRULE(item));
    });
    this.expression = expression;

    this.performSelfAnalysis();
  }

  /** Runs one production over tokens; the first error, where there is one. Without recovery a broken text has no tree. */
  read(production: Production, tokens: IToken[]): { readonly tree?: CstNode; readonly error?: { readonly token: IToken; readonly previous?: IToken; readonly expected: string; readonly production: string } } {
    this.input = tokens;
    const tree = production.call(this) as CstNode | undefined;
    const first = this.errors[0];
    if (!first) return { tree };
    const previous = "previousToken" in first ? (first.previousToken as IToken | undefined) : undefined;
    return {
      tree,
      error: {
        token: first.token,
        expected: first.message,
        production: first.context.ruleStack.at(-1) ?? "",
        ...(previous && previous.tokenType !== EOF ? { previous } : {}),
      },
    };
  }
}
