import * as tf from "@tensorflow/tfjs-core";
import { emitBody, type ModuleContext } from "../../../src/codegen/tfjs/emit-body.js";
import { unrollLoops } from "../../../src/ir/tensor/unroll-loops.js";
import { leaveBroadcastsOut } from "../../../src/codegen/tfjs/rewrite.js";
import { unitsOf } from "../../../src/codegen/tfjs/units.js";
import { Names, numberLiteral } from "../../../src/codegen/typescript/names.js";
import type { TensorProgram } from "../../../src/ir/tensor/nodes.js";
import * as runtime from "../../../src/runtime/tfjs/index.js";

export interface ProgramSetting {
  readonly data: Readonly<Record<string, tf.Tensor>>;
  readonly rows?: number;
  readonly dataset?: number;
  readonly step?: number;
}

/** A tensor program as the function that the compiler emits for it, without its types. */
export function emittedFunction(program: TensorProgram): { readonly text: string; readonly run: (setting: ProgramSetting) => Record<string, tf.Tensor> } {
  const constants: string[] = [];
  const module: ModuleContext = {
    calls: new Map(),
    needs: new Map(),
    helper: (name) => `runtime.${name}`,
    constant: (_, values) => {
      constants.push(`const constant${constants.length} = [${values.map(numberLiteral).join(", ")}];`);
      return `constant${constants.length - 1}`;
    },
    names: new Names(["runtime"]),
  };
  const trimmed = leaveBroadcastsOut(unrollLoops(program));
  const { statements } = emitBody(unitsOf(trimmed), Object.entries(trimmed.outputs), module, new Map(), { prefix: "", single: false });
  // The body is JavaScript but for type arguments.
  const text = [...constants, ...statements].join("\n").replaceAll("<tf.Tensor>(", "(");
  const compiled = new Function("tf", "runtime", "inputs", `const { data, rows, dataset, random } = inputs;\n${text}`) as (tf_: unknown, runtime_: unknown, inputs: unknown) => Record<string, tf.Tensor>;
  return {
    text,
    run: ({ data, rows = 0, dataset = 0, step = 0 }) => compiled(tf, runtime, { data, rows, dataset, random: runtime.createDraws({ seed: [7, 0], step }) }),
  };
}
