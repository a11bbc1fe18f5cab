import * as tf from "@tensorflow/tfjs-core";
import { emitBody, type ModuleContext } from "../../../src/codegen/tfjs/emit-body.js";
import { cutPrograms } from "../../../src/codegen/tfjs/functions.js";
import { leaveBroadcastsOut, readWeights } from "../../../src/codegen/tfjs/rewrite.js";
import { transpile } from "../../../src/codegen/typescript/transpile.js";
import { Names, numberLiteral } from "../../../src/codegen/typescript/names.js";
import type { TensorProgram } from "../../../src/ir/tensor/nodes.js";
import * as runtime from "../../../src/runtime/tfjs/index.js";

export interface ProgramSetting {
  readonly data: Readonly<Record<string, tf.Tensor>>;
  readonly weights?: Readonly<Record<string, tf.Tensor>>;
  readonly rows?: number;
  readonly dataset?: number;
  readonly step?: number;
}

/** A tensor program as the function that the compiler emits for it. */
export function emittedFunction(program: TensorProgram): { readonly text: string; readonly run: (setting: ProgramSetting) => Record<string, tf.Tensor> } {
  const constants: string[] = [];
  const trimmed = leaveBroadcastsOut(readWeights(program));
  const { cut, bodies } = cutPrograms([trimmed], [], new Names());
  const module: ModuleContext = {
    calls: new Map(),
    bodies,
    needs: new Map(),
    helper: (name) => `runtime.${name}`,
    constant: (_, values) => {
      constants.push(`const constant${constants.length} = [${values.map(numberLiteral).join(", ")}];`);
      return `constant${constants.length - 1}`;
    },
    names: new Names(["runtime"]),
  };
  const { statements } = emitBody(cut[0]!.unit, Object.entries(trimmed.outputs), module, new Map(), { prefix: "", single: false });
  const text = [...constants, ...statements].join("\n");
  const code = transpile(`function run({ w, data, rows, dataset, random }: any) {\n${text}\n}`);
  const compiled = new Function("tf", "runtime", `${code}\nreturn run;`)(tf, runtime) as (inputs: unknown) => Record<string, tf.Tensor>;
  return {
    text,
    run: ({ data, weights = {}, rows = 0, dataset = 0, step = 0 }) => compiled({ w: weights, data, rows, dataset, random: runtime.createDraws({ seed: [7, 0], step }) }),
  };
}
