import { KernelBuilder } from "../../ir/kernel/builder.js";
import type { KernelExpr } from "../../ir/kernel/nodes.js";
import type { DotProblem } from "./dot.js";
import { maxGroups } from "./groups.js";
import { packRight } from "./pack-right.js";
import type { Target, Template, TemplateContext, TemplateKernel } from "./template.js";
import { chooseTile, planColumns, step, zeros } from "./tile.js";
import { product } from "./views.js";
import { withBody } from "./with-body.js";

/**
 * Products whose result is longer than the cache while the right operand fits it: the gradient of a weight. A group makes a few whole rows at a
 * time in words of its own, then runs the epilogue along them. Adam reads and writes three arrays there: along rows the prefetcher knows what
 * comes next; tile by tile every line is waited for (in WebAssembly 1.0 ms instead of 0.25 for 400×784). The rows of the left operand are copied as well,
 * since every panel reads them again.
 */
export function dotBands(p: DotProblem, context: TemplateContext): Template {
  const { lanes } = context.target;
  const { offsets } = planColumns(p.n, lanes, { repeatable: true });
  const { rows, columns } = chooseTile(p.m, offsets.length, context.target, p.side, p.k);
  const before: TemplateKernel[] = [];
  const packed = packRight(p, context, offsets, columns, before);
  const bands = Math.ceil(p.m / rows);
  const perGroup = Math.ceil(bands / maxGroups);
  const groups = Math.ceil(bands / perGroup);
  const [leftWords, bandWords] = [rows * p.k, rows * p.n];
  const words = leftWords + p.side * bandWords;
  const own = context.scratch(groups * words);
  const zero = { kind: "constant", value: 0, type: "i32", width: "scalar" } as const;
  const batch = p.batch.map(() => zero);

  const body = () => {
    const k = new KernelBuilder(lanes);
    const at = k.share(k.multiply(k.group(), words));
    const panel = (firstVector: KernelExpr, places: readonly KernelExpr[]) => {
      const acc = zeros(k, rows, places.length * p.side, "vector");
      k.loop(0, p.k, 1, (sum) => step(
        k, acc,
        (r) => k.load(k.add(k.add(at, k.multiply(sum, rows)), own + r)),
        (v) => packed.read(k, Math.floor(v / places.length), zero, firstVector, places.length, sum, v % places.length),
      ), "k");
      acc.forEach((row, r) => row.forEach((register, v) => {
        const side = Math.floor(v / places.length);
        k.store(k.add(k.add(at, places[v % places.length]!), own + leftWords + side * bandWords + r * p.n), register);
      }));
    };
    const band = (id: KernelExpr) => {
      // The last band begins where it is whole; rows that the band before wrote are made again, but not written.
      const wanted = k.share(k.multiply(id, rows));
      const row0 = k.share(k.min(wanted, p.m - rows));
      k.loop(0, p.k, 1, (sum) => {
        for (let r = 0; r < rows; r++) k.store(k.add(k.add(at, k.multiply(sum, rows)), own + r), p.left(k, batch, k.add(row0, r), sum));
      }, "k");
      const [whole, rest] = [Math.floor(offsets.length / columns), offsets.length % columns];
      const last = offsets.slice(whole * columns);
      const overlaps = p.n % lanes !== 0;
      const regular = overlaps && rest === 0 ? whole - 1 : whole;
      k.loop(0, regular, 1, (n) => {
        const first = k.share(k.multiply(n, columns));
        panel(first, Array.from({ length: columns }, (_, v) => k.add(k.multiply(first, lanes), v * lanes)));
      }, "panel");
      if (regular < whole) panel(k.integer(regular * columns), offsets.slice(regular * columns).map((offset) => k.integer(offset)));
      if (rest > 0) panel(k.integer(whole * columns), last.map((offset) => k.integer(offset)));
      k.loop(k.share(k.subtract(wanted, row0)), rows, 1, (r) => {
        const row = k.share(k.add(row0, r));
        k.vectorLoop(p.n, (column, width) => p.write(k, [...batch, row, column], Array.from({ length: p.side }, (_, h) =>
          k.bind(k.load(k.add(k.add(k.add(at, k.multiply(r, p.n)), column), own + leftWords + h * bandWords), "f32", width), "value"))), "column");
      }, "r");
    };
    if (perGroup === 1) band(k.group());
    else {
      const from = k.share(k.multiply(k.group(), perGroup));
      k.loop(from, k.share(k.min(k.add(from, perGroup), bands)), 1, band, "band");
    }
    return k.body();
  };
  const flops = 2 * p.side * p.m * p.n * p.k;
  const bytes = 4 * (p.m * p.k + p.side * p.k * p.n + p.side * p.m * p.n);
  return withBody({ title: `dot ${[...p.batch, p.m, p.n].join("×")} over ${p.k}`, groups, flops, bytes, before }, body);
}

/** Whether a product is such a one. */
export function prefersBands(p: DotProblem, { lanes, bandsFrom = Infinity, l2Bytes }: Target): boolean {
  return product(p.batch) === 1 && p.m >= bandsFrom && p.n >= 8 * lanes && 4 * p.side * p.m * p.n > l2Bytes && 4 * p.side * p.k * p.n <= l2Bytes;
}
