import { describe, expect, it } from "vitest";
import { type Cursor, cursorAt, loopVariables } from "../../src/language-server/cursor.js";
import { cursor } from "./support/fixture.js";

function at(marked: string): Cursor {
  const { text, offset } = cursor(marked);
  return cursorAt({ path: "fixture.lvm", text }, offset);
}

/** `model m ( x : real ) { } > x ~ Normal ( 0 ,`: the heads around a cursor and the tokens before it. */
const drawn = ({ blocks, head }: Cursor): string => [...blocks, head].map((tokens) => tokens.map(({ image }) => image).join(" ")).join(" > ");

describe("the words around a cursor", () => {
  // Guards that the statement which is being written is found where nothing parses.
  it.each([
    ["model m(x: real) {\n  x ~ Norm‸\n}\n", "model m ( x : real ) > x ~"],
    ["model m(x: real) {\n  z: real ~ Normal(0, 1)\n  x ~ ‸", "model m ( x : real ) > x ~"],
    ["model m(x: real) {\n  z: real ~ Normal(0, ‸\n  x ~ Normal(z, 1)\n}\n", "model m ( x : real ) > z : real ~ Normal ( 0 ,"],
    ["model m(x: real) {\n  x ~ Normal(0, 1)\n  ‸\n}\n", "model m ( x : real ) > "],
    ["model m(x: real[3]) {\n  each t in 1..3 {\n    x[t] ~ ‸\n  }\n}\n", "model m ( x : real [ 3 ] ) > each t in 1 .. 3 > x [ t ] ~"],
    ["guide m {\n  k ~ Categorical(probs = 0) ‸\n  z ~ Normal(0, 1)\n}\n", "guide m > k ~ Categorical ( probs = 0 )"],
    ["train m {\n  optimizer = adam(‸)\n  batch = 3\n}\n", "train m > optimizer = adam ("],
    ["network f(x: ‸", "network f ( x :"],
    ["const A = 3\n‸\nconst B = 4\n", ""],
    ["const A = 3\nmod‸", ""],
  ])("%j", (marked, expected) => {
    expect(drawn(at(marked))).toBe(expected);
  });

  it("know the calls around them, and what is piped in", () => {
    const { brackets } = at("network f(x: real[4]) -> (y: real[2]) {\n  y = x |> dense(units = 2, bias = min(1, ‸\n}\n");
    expect(brackets.map(({ callee, piped, args }) => [callee?.image, piped, args.length])).toEqual([["dense", true, 2], ["min", false, 2]]);
  });

  it("know loops, comments, texts and numbers", () => {
    expect(loopVariables(at("model m(x: real[3]) {\n  each i in 1..3 {\n    chain t in 1..3 {\n      ‸"))).toEqual(["t", "i"]);
    expect(at("const A = 3 // a‸ comment\n").place.kind).toBe("none");
    expect(at("const A = 12‸3\n").place.kind).toBe("none");
    expect(at('import a from "ne‸t.lvm"\n').place).toEqual({ kind: "quoted", start: 15 });
    expect(at('import a from "ne‸').place).toEqual({ kind: "quoted", start: 15 });
    expect(at('import a from "net.lvm"‸\n').place.kind).toBe("none");
  });

  // Guards that no text is too deep: the parser refuses it before anything recurses, and so does this.
  it.each(["{", "(", "[", "model m(x: real) {"])("survive a hundred thousand times %j", (open) => {
    expect(at(`${open.repeat(100_000)}‸`).place.kind).toBe("none");
  });

  it("replace the whole word", () => {
    expect(at("const A = LAT‸ENT + 1\n").word).toEqual({ text: "LAT", start: 10, end: 16 });
    expect(at("const A = ‸LATENT + 1\n").word).toEqual({ text: "", start: 10, end: 10 });
  });
});

// Guards that only the item around a cursor is read: what stands above it changes nothing but offsets.
describe("what stands above an item", () => {
  it.each(["model m(x: real) {\n  x ~ Normal(‸\n}\n", "guide m {\n  q = f(x)\n  z ~ ‸", "const A = B + ‸\n", "train m {\n  ‸\n}\n"])("does not change what is found in %j", (marked) => {
    for (const above of ["const K = 3\n\n", "model broken(x: real) {\n  x ~ Normal((0, 1\n", "}\n\n", 'import a from "b.lvm\n']) {
      const [alone, below] = [at(marked), at(above + marked)];
      expect(drawn(below)).toBe(drawn(alone));
      expect(below.word).toEqual({ ...alone.word, start: alone.word.start + above.length, end: alone.word.end + above.length });
      expect(below.beginsLine).toBe(alone.beginsLine);
    }
  });
});
