import { expect, it } from "vitest";
import { TensorBuilder } from "../../src/ir/tensor/builder.js";
import { vjpRules } from "../../src/autodiff/vjp-rules.js";
import { differentiated, expectGradients } from "./support/slopes.js";
import { randomDifferentiable } from "./support/random-differentiable.js";

/** Guards what single operations cannot show: values used several times, gradients kept small by broadcasting, shared nodes, symbolic rows. */
it("300 random programs: gradients agree with central differences, and the programs verify", () => {
  let [checked, skipped] = [0, 0];
  const kinds = new Set<string>();
  for (let seed = 0; seed < 300; seed++) {
    const given = randomDifferentiable(seed);
    const result = expectGradients(given, { most: 3, skipKinks: true, label: `program ${seed}` });
    checked += result.checked;
    skipped += result.skipped;
    for (const node of differentiated(given).program.nodes) kinds.add(node.op.kind);
  }
  expect(checked).toBeGreaterThan(4000);
  // Differences do not settle where a step crosses a kink; that must stay the exception.
  expect(skipped / (checked + skipped)).toBeLessThan(0.1);
  const unused = Object.keys(vjpRules).filter((kind) => !kinds.has(kind));
  expect(unused).toEqual(["random-log-gamma", "arg-reduce"]);
}, 120_000);

it("the same with every node made as it is asked for", () => {
  const plain = (): TensorBuilder => new TensorBuilder({ simplify: false });
  for (let seed = 0; seed < 40; seed++) expectGradients(randomDifferentiable(seed), { most: 1, skipKinks: true, label: `program ${seed}, not simplified`, builder: plain });
}, 120_000);
