import { InternalError } from "../../util/internal-error.js";
import { loopInputNames, loopResults } from "../../ir/tensor/loops.js";
import type { Shape, TensorNode } from "../../ir/tensor/nodes.js";
import { call, type Code, inline, list } from "../typescript/expression.js";
import type { Names } from "../typescript/names.js";
import { asTensorCode, isNumberText, tensorTypes } from "./emit-rules.js";
import type { LoopUse } from "./live-nodes.js";
import { isLeaf } from "./units.js";

/** What the loop's emitter asks of the body around it. */
export interface LoopPlace {
  readonly names: Names;
  readonly helper: (name: string) => string;
  readonly operand: (at: number) => Code;
  /** The name of an operand, which is computed before the loop. */
  readonly named: (node: TensorNode, code: Code) => Code;
  readonly shape: (shape: Shape) => Code;
  /** Statements of a step, and the code of what it gives. `given`: what the body's inputs are called. */
  readonly step: (outputs: readonly (readonly [name: string, node: TensorNode])[], given: ReadonlyMap<TensorNode, Code>, index: string) => { readonly statements: readonly string[]; readonly codes: readonly Code[] };
}

/** A loop as statements of its own, and what its results are called after them. */
export interface LoopCode {
  readonly before: readonly string[];
  readonly head: string;
  /** Of a step. */
  readonly assigned: string;
  readonly statements: readonly string[];
  readonly returned: Code;
  readonly results: readonly (readonly [node: TensorNode, code: Code])[];
}

/**
 * A loop as JavaScript: carries are variables, scanned arrays lists of their slices, stacks and histories lists that are filled at the step's index and stacked at the end. A step runs in
 * `loopStep`, which gives free all that it made but what it gives; so what it gives is its own: a tensor of its own where the body gives one of its inputs, or one twice.
 */
export function emitLoop(loop: TensorNode, use: LoopUse, place: LoopPlace): LoopCode {
  const { op, results } = use;
  const { body, carried, stacked, steps, reverse } = op;
  const { names } = place;
  const before: string[] = [];
  const given = new Map<TensorNode, Code>();
  const output = (name: string): TensorNode => body.outputs[name] ?? missing(name);
  const input = (name: string): TensorNode | undefined => use.inputs.get(name);
  const index = names.fresh("t");

  const variables = new Map(use.carries.map((at) => {
    const start = place.operand(at);
    const tensor = asTensorCode(start, loop.inputs[at]?.dtype);
    const name = names.fresh(results.get(at)?.name ?? output(`carry.${at}`).name ?? "state");
    // What a call gives belongs to nobody else.
    before.push(`let ${name}: tf.Tensor = ${inline(typeof tensor === "string" ? call("tf.clone", tensor) : tensor)};`);
    const read = input(`carry.${at}`);
    if (read) given.set(read, name);
    return [at, name] as const;
  }));
  loopInputNames(op).forEach((name, at) => {
    const [read, operand] = [input(name), loop.inputs[at]];
    if (!read || !operand || at < carried) return;
    if (name.startsWith("scan.")) {
      const slices = names.fresh(`${operand.name ?? (operand.op.kind === "input" ? operand.op.name : "scanned")}Steps`);
      before.push(`const ${slices} = tf.unstack(${inline(place.operand(at))});`);
      given.set(read, `${slices}[${index}]!`);
      return;
    }
    const code = place.operand(at);
    given.set(read, typeof code === "string" || isNumberText(code) ? code : place.named(operand, code));
  });
  const counted = input("index");
  if (counted) given.set(counted, call("tf.scalar", index, '"int32"'));

  const lists = [...use.stacks.map((at) => ({ result: carried + at, node: output(`stack.${at}`) })), ...use.histories.map((at) => ({ result: carried + stacked + at, node: undefined, carry: variables.get(at) }))].map((each) => {
    const node = results.get(each.result) ?? missing(`result ${each.result}`);
    const name = names.fresh(`${node.name ?? each.node?.name ?? ("carry" in each ? each.carry : "stack")}Steps`);
    before.push(`const ${name}: tf.Tensor[] = [];`);
    return { ...each, name, result: node, shape: loopResults(op)[each.result]!.shape };
  });

  const next = [...use.carries.map((at) => ["next", output(`carry.${at}`)] as const), ...use.stacks.map((at) => [results.get(carried + at)?.name ?? "part", output(`stack.${at}`)] as const)];
  const { statements, codes } = place.step(next, given, index);
  const seen = new Set<TensorNode>(given.keys());
  const own = next.map(([, node], at): Code => {
    const code = asTensorCode(codes[at]!, node.dtype);
    const shared = seen.has(node) || (isLeaf(node) && typeof code === "string");
    seen.add(node);
    return shared ? call("tf.clone", code) : code;
  });
  const kept = use.histories.map((at) => call("tf.clone", variables.get(at) ?? missing(`carry ${at}`)));
  const carries = list(...variables.values());
  const targets = [...variables.values(), ...lists.map(({ name }) => `${name}[${index}]`)];
  return {
    before,
    head: reverse ? `for (let ${index} = ${steps - 1}; ${index} >= 0; ${index}--) {` : `for (let ${index} = 0; ${index} < ${steps}; ${index}++) {`,
    assigned: `[${targets.join(", ")}] = ${place.helper("loopStep")}(${inline(carries)}, () => {`,
    statements,
    returned: list(...own, ...kept),
    results: [
      ...use.carries.flatMap((at) => {
        const node = results.get(at);
        return node ? [[node, variables.get(at) ?? missing(`carry ${at}`)] as const] : [];
      }),
      ...lists.map(({ result, name, shape }) => [result, steps > 0 ? call("tf.stack", name) : call("tf.zeros", place.shape(shape), `"${tensorTypes[result.dtype]}"`)] as const),
    ],
  };
}

function missing(what: string): never {
  throw new InternalError(`a loop without ${what}`);
}
