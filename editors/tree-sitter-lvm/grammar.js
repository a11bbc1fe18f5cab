/**
 * The grammar of `.lvm` for tree-sitter: the productions of docs/grammar.md, with the names of the compiler's syntax tree (src/parser/ast.ts).
 *
 * Keywords are contextual. tree-sitter takes a word for a keyword only where one can stand, so most of this needs no rule; where a statement may begin with a keyword or with a name
 * that is spelled like one (`chain = 2`), or go on with it (`by`), `named` lists both, and the word behind it decides.
 */

const list = (rule) => seq(rule, repeat(seq(",", rule)));
const listWithEnd = (rule) => optional(seq(list(rule), optional(",")));
const named = ($, ...keywords) => choice($.identifier, ...keywords.map((word) => alias(word, $.identifier)));

/** From weak to strong, as in docs/grammar.md. */
const strength = { pipe: 1, range: 2, comparison: 3, sum: 4, product: 5, negation: 6, power: 7, postfix: 8 };

module.exports = grammar({
  name: "lvm",

  word: ($) => $.identifier,

  extras: ($) => [/\s/, $.doc_comment, $.comment],

  supertypes: ($) => [$._item, $._statement, $._expression],

  conflicts: ($) => [
    // `z ~ f by …` or the next statement `by = …`; `maximize elbo subject to …` or the setting `subject = …`.
    [$.sample],
    [$.maximize],
    // `f(x[0] = …)` or `f(x[0])`.
    [$.argument, $.name],
  ],

  rules: {
    module: ($) => repeat($._item),

    _item: ($) => choice($.import, $.const, $.param, $.network, $.model, $.guide, $.train),

    import: ($) => seq("import", list(field("name", $.identifier)), "from", field("path", $.string)),
    const: ($) => seq("const", field("name", $.identifier), "=", field("value", $._expression)),
    param: ($) => seq("param", field("name", $.identifier), ":", field("type", $.type), optional(seq("=", field("init", $._expression)))),
    network: ($) => seq("network", field("name", $.identifier), field("inputs", $.columns), "->", field("outputs", $.columns), field("body", $.block)),
    model: ($) => seq("model", field("name", $.identifier), field("columns", $.columns), optional(seq("where", field("where", $._expression))), field("body", $.block)),
    guide: ($) => seq("guide", field("name", $.identifier), field("body", $.block)),
    train: ($) => seq("train", field("name", $.identifier), optional(seq("on", field("on", $._expression))), optional(field("body", $.train_block))),

    columns: ($) => seq("(", listWithEnd($.column), ")"),
    column: ($) => seq(field("name", $.identifier), optional($.indices), ":", field("type", $.type), optional(seq("dropout", field("dropout", $._expression)))),
    type: ($) => seq(field("name", alias($.identifier, $.type_name)), optional(seq("(", list(field("argument", $._expression)), ")")), optional($.indices), optional("?")),
    indices: ($) => seq("[", list($._expression), optional(","), "]"),

    block: ($) => seq("{", repeat($._statement), "}"),
    train_block: ($) => seq("{", repeat(choice($.maximize, $.observe, $.setting)), "}"),

    _statement: ($) => choice($.loop, $.auto, $.marginalize, $.local, $.let, $.sample),
    _site: ($) => field("name", named($, "global", "local", "auto", "marginalize", "chain", "each", "by", "autoregressive")),
    loop: ($) => seq(field("kind", choice("chain", "each")), field("variable", $.identifier), "in", field("range", $._expression), field("body", $.block)),
    auto: ($) => seq("auto", field("family", choice($.name, $.call)), list(field("site", $.identifier))),
    marginalize: ($) => seq("marginalize", list(field("site", $.identifier))),
    local: ($) => seq("local", field("name", $.identifier), ":", field("type", $.type), optional(seq("=", field("init", $._expression)))),
    let: ($) => seq($._site, optional($.indices), "=", field("value", $._expression)),
    sample: ($) =>
      seq(
        choice(seq("global", field("name", $.identifier)), $._site), optional($.indices), optional(seq(":", field("type", $.type))), "~", field("distribution", $._expression),
        optional("autoregressive"), optional(seq("by", field("by", $._expression))),
      ),

    maximize: ($) => seq("maximize", field("objective", $._expression), optional(seq("subject", "to", list(field("constraint", $._expression))))),
    observe: ($) => seq("observe", field("name", $.identifier), "=", field("value", $._expression)),
    setting: ($) => seq(field("name", named($, "maximize", "observe", "subject")), "=", field("value", $._expression)),

    _expression: ($) => choice($.pipe, $.range, $.binary, $.unary, $.call, $.index, $.member, $.name, $.number, $.string, $.parenthesized, $.array),

    pipe: ($) => prec.left(strength.pipe, seq(field("value", $._expression), "|>", field("into", $._expression))),
    range: ($) => prec.left(strength.range, seq(field("from", $._expression), "..", field("to", $._expression))),
    binary: ($) => {
      const level = (strong, ...signs) => signs.map((sign) => prec.left(strong, of(sign)));
      const of = (sign) => seq(field("left", $._expression), field("operator", sign), field("right", $._expression));
      return choice(
        ...level(strength.comparison, "<", "<=", ">", ">=", "==", "!="),
        ...level(strength.sum, "+", "-"),
        ...level(strength.product, "*", "/", "@"),
        prec.right(strength.power, of("^")),
      );
    },
    unary: ($) => prec(strength.negation, seq("-", field("operand", $._expression))),
    call: ($) => prec(strength.postfix, seq(field("callee", $.name), field("arguments", $.arguments))),
    arguments: ($) => seq("(", listWithEnd(choice($._expression, $.argument, $.condition)), ")"),
    argument: ($) => seq(field("name", $.identifier), optional($.indices), "=", field("value", $._expression)),
    condition: ($) => seq(field("value", $._expression), "|", field("given", $._expression)),
    index: ($) => prec(strength.postfix, seq(field("target", $._expression), $.indices)),
    member: ($) => prec(strength.postfix, seq(field("target", $._expression), ".", field("name", $.identifier))),
    parenthesized: ($) => seq("(", $._expression, ")"),
    array: ($) => seq("[", listWithEnd($._expression), "]"),

    name: ($) => $.identifier,
    identifier: () => /[\p{L}_][\p{L}\p{M}\p{N}_]*/,
    number: () => /[0-9]+(_[0-9]+)*(\.[0-9]+(_[0-9]+)*)?([eE][+-]?[0-9]+)?/,
    string: ($) => seq('"', repeat(choice($.escape, token.immediate(prec(1, /[^"\\\r\n]+/)))), token.immediate('"')),
    escape: () => token.immediate(/\\[^\r\n]/),

    // Of two that match alike the first is taken: `////` is no documentation.
    doc_comment: () => /\/\/\/([^\/\r\n][^\r\n]*)?/,
    comment: () => /\/\/[^\r\n]*/,
  },
});
