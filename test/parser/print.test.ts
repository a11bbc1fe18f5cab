import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "../../src/parser/parse.js";
import { format, print } from "../../src/parser/print.js";

/** Guards the formatter: it is steady, says the same program, and loses no comment. */

const models = new URL("../../models/", import.meta.url);

function tree(text: string): string {
  const { value, diagnostics } = parse({ path: "p.lvm", text });
  expect(diagnostics.map(({ message }) => message)).toEqual([]);
  return JSON.stringify(value.items, (key, value: unknown) => (key === "span" || key === "doc" ? undefined : value));
}

function printed(text: string): string {
  return print(parse({ path: "p.lvm", text }).value);
}

function commentsOf(text: string): readonly string[] {
  return parse({ path: "p.lvm", text })
    .value.comments.map((comment) => comment.text.trim())
    .sort();
}

describe("shipped models", () => {
  for (const name of readdirSync(models).filter((name) => name.endsWith(".lvm"))) {
    it(`${name} is in the printed form`, () => {
      const text = readFileSync(new URL(name, models), "utf8");
      expect(printed(text)).toBe(text);
    });
  }
});

const chains = new URL("../objectives/chains/", import.meta.url);

describe("chains", () => {
  // Guards: starts, loops in loops, both directions and `where` come out as they went in, with every comment, in one form.
  for (const name of readdirSync(chains))
    it(`${name} says the same and is steady`, () => {
      const text = readFileSync(new URL(name, chains), "utf8");
      const once = printed(text);
      expect(printed(once)).toBe(once);
      expect(tree(once)).toBe(tree(text));
      expect(commentsOf(once)).toEqual(commentsOf(text));
    });
  it("starts, steps and comments in their places", () => {
    const text = `const T = 9

model m(x: real[T, 2], a: real[T]) where length(x) <= T { // rows have lengths
  // the first two
  z[1]: real ~ Normal(0, 1)
  z[2] ~ Normal(z[1], 1) // one step on

  chain t in 3..T {
    // two steps back
    z[t] ~ Normal(z[t-1] - z[t-2], 1)

    each i in 1..2 {
      x[t, i] ~ Normal(z[t] + a[t-1], 1) // before the first, a is 0
    }
    // end of the chain
  }
}

guide m {
  b[T+1] = 0
  chain t in T..1 {
    b[t] = b[t+1] + x[t, 1]
  }
}
`;
    expect(printed(text)).toBe(text);
    expect(printed(text.replace(/\n\s*/g, (space) => (space.includes("\n\n") ? space : "\n"))).replace(/^ +/gm, "")).toBe(text.replace(/^ +/gm, ""));
  });
});

describe("layout", () => {
  it("spaces, one statement a line, at most one empty line", () => {
    expect(printed("guide  m{ auto mean_field a,b   marginalize k\n\n\n\nlocal c:real[ 2 ]=0 }")).toBe(
      "guide m {\n  auto mean_field a, b\n  marginalize k\n\n  local c: real[2] = 0\n}\n",
    );
  });
  it("comments stay on their lines, behind statements, between pipes and in lists", () => {
    const text = `// top
const A = [
  1, // one
  // two
  2
]

network f(
  x: real[2], // pixel
  // label
  y: index(K)?
) -> (a: real) { // begin
  // first
  h = x |> dense(400) // width
    // non-linear
    |> relu // really

  // last
}
// end
`;
    expect(printed(text)).toBe(text);
  });
  it("a comment inside an expression moves above its statement", () => {
    expect(printed("const A = 1 + // why\n  2")).toBe("// why\nconst A = 1 + 2\n");
  });
  it("keeps the choice of one or several lines for a pipe that fits, and breaks one that does not", () => {
    const short = "const A = x |> f |> g\nconst B = x\n  |> f |> g\n";
    expect(printed(short)).toBe(short);
    const stage = "affine_coupling(network_with_a_long_name)";
    expect(printed(`const A = Normal(0, 1) |> ${stage} |> reverse |> ${stage}`)).toBe(`const A = Normal(0, 1)\n  |> ${stage}\n  |> reverse\n  |> ${stage}\n`);
  });
  it("indices are written without spaces around + and -", () => {
    expect(printed("model m(x[0]: real) { x[ t - 1 ] ~ guide(x[t-1]|x[t], x[0] = f(x[t],t)) }")).toBe(
      "model m(x[0]: real) {\n  x[t-1] ~ guide(x[t-1] | x[t], x[0] = f(x[t], t))\n}\n",
    );
  });
  it("CRLF and a byte order mark become plain lines", () => {
    expect(printed("\ufeffconst A = 1 // a\r\n\r\nconst B = 2\r\n")).toBe("const A = 1 // a\n\nconst B = 2\n");
  });
  it("leaves a file with mistakes alone", () => {
    const { value, diagnostics } = format({ path: "p.lvm", text: "const = 3" });
    expect(value).toBeUndefined();
    expect(diagnostics.length).toBe(1);
  });
  it("keeps documentation above its item", () => {
    const items = parse({ path: "p.lvm", text: printed("/// Not this.\n\n/// One.\n///   Two.\nconst A = 1") }).value.items;
    expect(items[0]?.doc).toBe("One.\n  Two.");
  });
});

/** Random programs as token lists; white space and comments go between tokens at random. */
function program(random: (below: number) => number): string[] {
  const pick = <T>(list: readonly T[]): T => list[random(list.length)] as T;
  const name = (): string => pick(["a", "b2", "data", "on", "model", "x_1", "θ", "by", "in", "long_name_of_something"]);
  const list = (make: () => string[], least: number): string[] => {
    const out: string[] = [];
    for (let count = least + random(3), index = 0; index < count; index += 1) out.push(...(index > 0 ? [","] : []), ...make());
    return out;
  };
  const atom = (depth: number): string[] => {
    switch (depth <= 0 ? random(3) : random(8)) {
      case 0: return [name()];
      case 1: return [pick(["1", "1_000", "0.5", "1e-3", "2.5E+4"])];
      case 2: return [pick(['"a b"', '"q\\"\\\\\\n"'])];
      case 3: return ["(", ...expression(depth - 1), ")"];
      case 4: return ["[", ...list(() => expression(depth - 1), 0), "]"];
      case 5: return [name(), "\u0001(", ...list(() => (random(3) === 0 ? [name(), "=", ...expression(depth - 1)] : expression(depth - 1)), 0), ")"];
      case 6: return [name(), "\u0001[", ...list(() => expression(depth - 1), 1), "]"];
      default: return [name(), ".", name()];
    }
  };
  const sum = (depth: number): string[] => {
    const out = [...(random(5) === 0 ? ["-"] : []), ...atom(depth)];
    for (let count = random(3); count > 0; count -= 1) out.push(pick(["+", "-", "*", "/", "@", "^"]), ...(random(6) === 0 ? ["-"] : []), ...atom(depth - 1));
    return out;
  };
  const expression = (depth: number): string[] => {
    const out = sum(depth);
    if (random(8) === 0) out.push("..", ...sum(depth - 1));
    for (let count = random(4) === 0 ? 1 + random(4) : 0; count > 0; count -= 1) out.push("|>", ...sum(depth - 1));
    return out;
  };
  const type = (): string[] => [pick(["real", "index", "positive"]), ...(random(3) === 0 ? ["(", ...expression(0), ")"] : []), ...(random(2) === 0 ? ["\u0001[", ...list(() => expression(1), 1), "]"] : []), ...(random(5) === 0 ? ["?"] : [])];
  const column = (): string[] => [name(), ":", ...type()];
  const statement = (depth: number): string[] => {
    switch (random(depth > 0 ? 7 : 6)) {
      case 0: return [name(), "=", ...expression(3)];
      case 1: return [name(), "\u0001[", ...expression(1), "]", "~", ...expression(2)];
      case 2: return ["global", "w", ":", ...type(), "~", ...expression(2), ...(random(2) ? ["by", "score", "\u0001(", "baseline", "=", "none", ")"] : [])];
      case 3: return ["local", "m", ":", ...type(), ...(random(2) ? ["=", ...expression(1)] : [])];
      case 4: return ["auto", "mean_field", ...list(() => ["s"], 1)];
      case 5: return ["marginalize", ...list(() => ["k"], 1)];
      default: return [pick(["each", "chain"]), "t", "in", "1", "..", "T", "{", ...statements(depth - 1), "}"];
    }
  };
  const statements = (depth: number): string[] => Array.from({ length: random(4) }, () => statement(depth)).flat();
  const item = (): string[] => {
    switch (random(7)) {
      case 0: return ["import", ...list(() => ["f"], 1), "from", '"vae.lvm"'];
      case 1: return ["const", "A", "=", ...expression(2)];
      case 2: return ["param", "p", ":", ...type(), "=", ...expression(1)];
      case 3: return ["network", "n", "(", ...list(column, 1), ")", "->", "(", ...list(column, 1), ")", "{", ...statements(2), "}"];
      case 4: return ["model", "m", "(", ...list(column, 0), ")", "{", ...statements(2), "}"];
      case 5: return ["guide", "m", "{", ...statements(1), "}"];
      default: return ["train", "m", ...(random(2) ? ["on", "vae", ".", "z"] : []), "{", "maximize", "elbo", "subject", "to", "kl", "\u0001(", "z", ")", "<=", "1", "rate", "=", ...expression(2), "observe", "y", "=", "0.5", "}"];
    }
  };
  return Array.from({ length: 1 + random(5) }, item).flat();
}

function generator(seed: number): (below: number) => number {
  let state = (seed * 2654435761) >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) % below;
  };
}

describe("random programs", () => {
  it("printing is steady, keeps the tree and every comment (600 seeds, comments between any two words)", () => {
    for (let seed = 0; seed < 600; seed += 1) {
      const random = generator(seed);
      const tokens = program(random);
      let text = "";
      let number = 0;
      for (const token of tokens) {
        // A bracket marked with \u0001 goes on with the word before it, on its line.
        if (token.startsWith("\u0001")) {
          text += token.slice(1);
          continue;
        }
        const gap = random(seed % 3 === 0 ? 12 : 60);
        if (gap === 0) text += ` // c${(number += 1)}\n`;
        else if (gap === 1) text += `\n// c${(number += 1)}\n`;
        else if (gap === 2) text += `\n\n\n/// c${(number += 1)}\n\n`;
        else text += gap === 3 ? "\n" : " ";
        text += token;
      }
      const once = printed(text);
      try {
        expect(tree(once)).toBe(tree(text));
        expect(printed(once)).toBe(once);
        expect(commentsOf(once)).toEqual(commentsOf(text));
      } catch (error) {
        throw new Error(`seed ${seed}\n${text}\n──\n${once}\n──\n${printed(once)}`, { cause: error });
      }
    }
  }, 120_000);
});

