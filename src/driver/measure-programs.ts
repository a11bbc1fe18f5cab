import { TensorBuilder } from "../ir/tensor/builder.js";
import type { TensorProgram } from "../ir/tensor/nodes.js";
import { type CompiledProgram, compileTensorProgram, type KernelTarget } from "./kernel-programs.js";

/** Programs that `measureDevice` of the run time times. */
export type MeasureProgram = "product" | "copy" | "chain";

export interface MeasureSizes {
  /** Of the product's square matrices; 1024 where absent. */
  readonly product?: number;
  /** Words that are copied; 12 · 2²⁰ where absent: source and target are more than caches hold, and less than the least binding that adapters allow. */
  readonly copy?: number;
}

/** A product of two square matrices, a copy (with an addition, or there would be nothing to do), 16 products of small matrices that wait for each other. */
export function measureProgram(which: MeasureProgram, { product = 1024, copy = 12 * 2 ** 20 }: MeasureSizes = {}): TensorProgram {
  const b = new TensorBuilder();
  switch (which) {
    case "product":
      return b.program("product", { y: b.dot(b.input("parameter", "a", [product, product]), b.input("parameter", "b", [product, product])) });
    case "copy":
      return b.program("copy", { y: b.add(b.input("parameter", "x", [copy]), 1) });
    case "chain": {
      const w = b.input("parameter", "w", [side, side]);
      let y = b.input("parameter", "x", [side, side]);
      for (let i = 0; i < chained; i++) y = b.dot(y, w);
      return b.program("chain", { y });
    }
  }
}

const side = 32;
const chained = 16;

export async function compileMeasureProgram(which: MeasureProgram, target: KernelTarget, sizes?: MeasureSizes): Promise<CompiledProgram["artifact"]> {
  return (await compileTensorProgram(measureProgram(which, sizes), {}, "measure", target)).artifact;
}
