import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { hasErrors } from "../../src/diagnostics/diagnostic.js";
import { analyze } from "../../src/driver/analyze.js";
import { type PlateDiagram, plateDiagram } from "../../src/graph/plate-diagram.js";

function diagramOf(text: string): PlateDiagram {
  const { value, diagnostics } = analyze({ path: "test.lvm", text });
  if (hasErrors(diagnostics)) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
  return plateDiagram(value.programs[0]!);
}

const shipped = (name: string): PlateDiagram => diagramOf(readFileSync(new URL(`../../models/${name}.lvm`, import.meta.url), "utf8"));

/** `z → x (decoder)`, dashed as `⇢`. */
const arrows = ({ edges }: PlateDiagram): string[] => edges.map(({ from, to, side, label }) => `${from} ${side === "model" ? "→" : "⇢"} ${to}${label === "" ? "" : ` (${label})`}`).sort();
const roles = ({ nodes }: PlateDiagram): Record<string, string> => Object.fromEntries(nodes.map(({ id, role }) => [id, role]));
const platesOf = (diagram: PlateDiagram, id: string): string[] => diagram.nodes.find((node) => node.id === id)!.plates.map((plate) => diagram.plates.find((each) => each.id === plate)!.label);

// The truth of these is the models' text, read by hand.
describe("a model as a plate diagram", () => {
  it("of a VAE: one arrow each way, through the networks", () => {
    const diagram = shipped("vae");
    expect(roles(diagram)).toEqual({ z: "latent", x: "observed" });
    expect(arrows(diagram)).toEqual(["x ⇢ z (encoder)", "z → x (decoder)"]);
    expect(platesOf(diagram, "z")).toEqual(["rows"]);
  });

  it("of a hidden Markov model: the chain reads itself, its start is no other plate, latents of the whole data set stand outside the rows", () => {
    const diagram = shipped("hmm");
    expect(arrows(diagram)).toEqual(["centers → x", "k → k (t − 1)", "k → x", "scale → x", "start → k", "transition → k"]);
    expect(platesOf(diagram, "k")).toEqual(["rows", "t in 1..T"]);
    expect(platesOf(diagram, "x")).toEqual(platesOf(diagram, "k"));
    expect(platesOf(diagram, "start")).toEqual([]);
    expect(roles(diagram)["scale"]).toBe("parameter");
  });

  it("of partly observed labels", () => {
    expect(roles(shipped("semi_supervised"))["y"]).toBe("partly observed");
  });

  it("of a diffusion: both ends, a step between, the forward chain dashed, the condition beside", () => {
    const diagram = shipped("ddpm_conditional");
    expect(arrows(diagram)).toEqual(["label → x[t−1] (unet)", "x[1000] → x[t] (…)", "x[t] → x[t−1] (unet)", "x[t−1] → x[0] (…)", "x[t−1] ⇢ x[t]"]);
    expect(roles(diagram)).toEqual({ label: "input", "x[1000]": "latent", "x[t]": "latent", "x[t−1]": "latent", "x[0]": "observed" });
  });

  // Guards that a dependence is found through bindings, tables, and networks within networks, and that nothing else is.
  it("follows bindings and tables", () => {
    const diagram = diagramOf(`param table: real[3, 2] = normal(0, 1)
network inner(a: real[2]) -> (b: real[2]) { b = a |> dense(2) }
network around(a: real[2]) -> (b: real[2]) { b = inner(a) |> tanh }
model m(k: index(3), unused: real, x: real[2]) {
  z: real[2] ~ Normal(0, 1)
  h = around(table[k])
  shifted = h + 1
  x ~ Normal(shifted + z, 1)
}
guide m { z ~ Normal(x, 1) }
`);
    expect(arrows(diagram)).toEqual(["k → x (around)", "table → x (around)", "x ⇢ z", "z → x"]);
  });
});
