/** LVM1xxx: mistakes in how a file is written. */
export const syntaxErrors = {
  LVM1001: {
    title: "unexpected text",
    explanation: `Here stands something that cannot follow what comes before it. The message says what could stand here instead.

\`\`\`lvm
z ~ Normal(0 1)      // a comma is missing: Normal(0, 1)
\`\`\``,
  },
  LVM1002: {
    title: "missing expression",
    explanation: `An operator, a comma or an opening bracket asks for a value, and none follows.

\`\`\`lvm
h = x |> dense(400) |>      // a layer is missing after the last |>
\`\`\``,
  },
  LVM1003: {
    title: "unclosed bracket",
    explanation: `A bracket was opened and never closed. Each \`(\`, \`[\` and \`{\` needs its partner; the message shows the opening one and the place
at which the text cannot go on without the closing one.

\`\`\`lvm
h = x |> dense(400 |> relu      // write dense(400) |> relu
\`\`\``,
  },
  LVM1004: {
    title: "unmatched closing bracket",
    explanation: `A \`)\`, \`]\` or \`}\` closes a bracket that was not opened, or that was opened as another kind.

\`\`\`lvm
z: real[20) ~ Normal(0, 1)      // write real[20]
\`\`\``,
  },
  LVM1005: {
    title: "unclosed text",
    explanation: `A text begins with \`"\` and ends with \`"\` on the same line. Inside, \`\\"\` is a quotation mark, \`\\\\\` a backslash, \`\\n\` a new line, \`\\t\` a tab.

\`\`\`lvm
import encoder from "vae.lvm      // the closing " is missing
\`\`\``,
  },
  LVM1006: {
    title: "malformed number",
    explanation: `Numbers are written \`784\`, \`1_000\`, \`0.5\`, \`1e-3\`. Digits stand on both sides of the point, so that \`1..T\` is always a range;
there are no hexadecimal numbers, and a name does not begin with a digit.

\`\`\`lvm
z ~ Normal(0, .5)      // write 0.5
\`\`\``,
  },
  LVM1007: {
    title: "unknown character",
    explanation: `This character has no meaning in a model outside of comments and texts. Often it was pasted from a document: a dash for a minus,
a typographic quotation mark, an invisible space.`,
  },
  LVM1008: {
    title: "nested too deeply",
    explanation: `Brackets, blocks or operators are nested more deeply than lvmc reads (64 brackets, or an expression of 500 levels). No model needs
that; a generated file can name its intermediate values instead.`,
  },
  LVM1009: {
    title: "file too large",
    explanation: `A model file has at most one million characters, and 200,000 words and signs. Data belongs into data files (\`lvmc train --data x=FILE\`), not into the model.`,
  },
  LVM1010: {
    title: "too many mistakes",
    explanation: `After 200 messages about one file the rest is not printed. Is it a model file?`,
  },
  LVM1011: {
    title: "not allowed here",
    explanation: `A file consists of \`import\`, \`const\`, \`param\`, \`network\`, \`model\`, \`guide\` and \`train\`; statements stand in the braces of a network, a model,
a guide or a \`train\`, and declarations stand outside of them.

\`\`\`lvm
z ~ Normal(0, 1)      // belongs into model … { }
\`\`\``,
  },
  LVM1012: {
    title: "not a sign of this language",
    explanation: `Some signs of other languages have other names here: \`^\` raises to a power (not \`**\`), \`=\` names a value (not \`:=\`), \`~\` draws (not \`<-\`),
\`//\` begins a comment (not \`#\`), and nothing ends a statement (no \`;\`).`,
  },
  LVM1013: {
    title: "a type on a value",
    explanation: `\`name = value\` names a value, and its type is inferred. A type belongs to what is drawn: \`name: type ~ Distribution(…)\`.

\`\`\`lvm
z: real[20] = Normal(0, 1)      // write ~ to draw z
\`\`\``,
  },
  LVM1014: {
    title: "chained comparison",
    explanation: `\`a < b < c\` has no meaning here: a comparison compares two numbers.`,
  },
  LVM1015: {
    title: "cannot be called",
    explanation: `Only a name can be called: \`dense(400)\`. A network's outputs are values: \`q = encoder(x)\`, then \`q.mean\`.`,
  },
  LVM1016: {
    title: "incomplete",
    explanation: `The text ends too early: the message says what should follow.

\`\`\`lvm
network f(x: real[2])      // -> (outputs) { … } should follow
\`\`\``,
  },
  LVM1017: {
    title: "unknown escape",
    explanation: `In a text, a backslash begins \`\\"\`, \`\\\\\`, \`\\n\` or \`\\t\`, and nothing else. Paths of files are written with \`/\`.

\`\`\`lvm
import encoder from "..\\vae.lvm"      // write "../vae.lvm"
\`\`\``,
  },
  LVM1018: {
    title: "misplaced condition",
    explanation: `\`a | b\` reads "a given b" and stands once, at the beginning of the arguments: \`guide(x[t-1] | x[t], noise = …)\`.`,
  },
  LVM1019: {
    title: "unknown declaration",
    explanation: `A file consists of \`import\`, \`const\`, \`param\`, \`network\`, \`model\`, \`guide\` and \`train\`. What other languages write as functions or data
blocks is a \`network\`, and the columns of a \`model\`.`,
  },
} as const;
