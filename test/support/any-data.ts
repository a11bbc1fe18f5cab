import { columnLength } from "../../src/ir/model/row-length.js";
import type { ModelProgram } from "../../src/ir/model/model.js";
import type { Columns } from "../../src/runtime/model.js";

/** Values within the supports of a model's columns, from the golden ratio. */
export function anyData(program: ModelProgram, rows: number): Columns {
  return Object.fromEntries(program.columns.map(({ name, type: { support, shape } }, which) => {
    const { lengthOf } = columnLength(program, { name, type: { support, shape } });
    if (lengthOf) return [name, { rows, values: Int32Array.from({ length: rows }, (_, row) => 1 + (row % lengthOf.most)), shape: [] }];
    const dims = shape.map((dim) => dim.value);
    const size = dims.reduce((product, dim) => product * dim, 1);
    const fraction = (at: number): number => ((at + which) * 0.6180339887) % 1;
    const draw = (at: number): number => {
      switch (support.kind) {
        case "binary":
          return fraction(at) < 0.3 ? 1 : 0;
        case "index":
          return Math.floor(fraction(at) * support.size);
        case "count":
        case "byte":
          return Math.floor(fraction(at) * 5);
        case "positive":
        case "nonnegative":
        case "unit":
          return 0.05 + 0.9 * fraction(at);
        default:
          return 2 * fraction(at) - 1;
      }
    };
    const discrete = support.kind === "index" || support.kind === "count";
    const values = discrete ? Int32Array.from({ length: rows * size }, (_, at) => draw(at)) : Float32Array.from({ length: rows * size }, (_, at) => draw(at));
    return [name, { rows, values, shape: dims }];
  }));
}
