import { describe, expect, it } from "vitest";
import { checkText } from "../support/check-file.js";

/** Guards LVM5024: what is read of a relaxed label without a gradient is named, and nothing else is. */

const text = (body: string, more = "", site = "k: index(3) ~ Categorical(logits = 0)", by = "by relaxation(temperature = 0.5)"): string => `
const TABLE = [1, 2, 3]
network bare(k: index(3)) -> (y: real) {
  y = k == 1
}
network embedded(k: index(3)) -> (y: real[2]) {
  y = k |> embedding(2)
}
network same(k: index(3)) -> (l: index(3)) {
  l = k
}
model m(x: real) {
  ${site}
  ${body}
}
guide m {
  k ~ Categorical(logits = [0, x, 1]) ${by}
  ${more}
}
`;

function places(source: string): readonly string[] {
  const { diagnostics } = checkText("m.lvm", source, ".");
  expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  const found = diagnostics.filter(({ code }) => code === "LVM5024");
  expect(found.length).toBeLessThanOrEqual(1);
  return found.flatMap(({ related }) => related.map(({ span }) => span.source.text.slice(span.start, span.end)));
}

describe("a relaxed label", () => {
  it.each([
    ["a table", "x ~ Normal(TABLE[k], 1)"],
    ["a one-hot vector", "x ~ Normal(sum(one_hot(k)), 1)"],
    ["an embedding in a network", "x ~ Normal(sum(embedded(k)), 1)"],
    ["another name for it", "l = k\n  x ~ Normal(TABLE[l], 1)"],
    ["a network that gives it back", "x ~ Normal(TABLE[same(k)], 1)"],
  ])("is read with a gradient by %s", (_what, body) => {
    expect(places(text(body))).toEqual([]);
  });

  it.each([
    ["a comparison", "x ~ Normal(k == 2, 1)", "k == 2"],
    ["a comparison of another name for it", "l = k\n  x ~ Normal(l != 0, 1)", "l != 0"],
    ["a comparison in a network", "x ~ Normal(bare(k), 1)", "k == 1"],
    ["a comparison of what a network gives back", "x ~ Normal(same(k) == 1, 1)", "same(k) == 1"],
  ])("is read without one by %s", (_what, body, place) => {
    for (const by of ["by relaxation(temperature = 0.5)", "by straight_through"]) expect(places(text(body, "", undefined, by))).toEqual([place]);
    // Summed values need no gradient.
    expect(places(text(body, "", undefined, "by enumeration"))).toEqual([]);
  });

  it("keeps it at a position of an array of labels; a guide reads it without one too", () => {
    expect(places(text("x ~ Normal(TABLE[k[2]], 1)", "", "k: index(3)[2] ~ Categorical(logits = 0)"))).toEqual([]);
    expect(places(text("x ~ Normal(k[2] == 1, 1)", "", "k: index(3)[2] ~ Categorical(logits = 0)"))).toEqual(["k[2] == 1"]);
    expect(places(text("z: real ~ Normal(0, 1)\n  x ~ Normal(TABLE[k] + z, 1)", "z ~ Normal(k == 0, 1)"))).toEqual(["k == 0"]);
  });

  it("has its places counted", () => {
    const sum = [0, 1, 2, 0, 1].map((label) => `(k == ${label})`).join(" + ");
    const { diagnostics } = checkText("m.lvm", text(`x ~ Normal(${sum}, 1)`), ".");
    expect(diagnostics.map(({ related, notes }) => [related.length, notes])).toEqual([[3, ["and 2 more places"]]]);
  });
});
