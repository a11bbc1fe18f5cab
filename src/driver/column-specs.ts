import type { ModelProgram } from "../ir/model/model.js";
import { columnLength } from "../ir/model/row-length.js";

/** A model's columns as data is bound to them. */
export function columnSpecs(program: ModelProgram) {
  return program.columns.map((column) => {
    const { name, type, partlyObserved, role } = column;
    return { name, support: type.support, shape: type.shape.map((size) => size.value), partlyObserved, role, ...columnLength(program, column) };
  });
}
