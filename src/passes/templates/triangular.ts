import type { KernelBuilder } from "../../ir/kernel/builder.js";
import type { KernelExpr, Width } from "../../ir/kernel/nodes.js";
import { groupsOf, inGroups, mostGroups } from "./groups.js";
import { kernelBuilder, type Operand, type Template, type TemplateContext, type Write } from "./template.js";
import { product, unravel } from "./views.js";

/** A [..., n, n] → lower L with L Lᵀ = A, row by row; one group for each matrix; only the lower triangle is read, NaN where A is not positive definite. */
export function cholesky(o: { readonly a: Operand; readonly write: Write }, context: TemplateContext): Template {
  const n = o.a.shape.at(-1)!;
  const lead = o.a.shape.slice(0, -2);
  const matrices = product(lead);
  const groupCount = groupsOf(matrices, mostGroups(context.target.simt));
  const scratch = context.scratch(groupCount * n * n);
  const k = kernelBuilder(context.target);
  const base = k.share(k.add(k.multiply(k.group(), n * n), scratch));
  const groups = inGroups(k, matrices, (id) => {
    const at = unravel(k, id, lead);
    k.loop(0, n, 1, (i) => {
      const row = k.share(k.add(base, k.multiply(i, n)));
      k.loop(0, k.share(k.add(i, 1)), 1, (j) => {
        const other = k.share(k.add(base, k.multiply(j, n)));
        const sum = k.variable(o.a.read(k, [...at, i, j], "scalar"), "sum");
        k.loop(0, j, 1, (p) => k.set(sum, k.subtract(sum, k.multiply(k.load(k.add(row, p)), k.load(k.add(other, p))))), "p");
        k.when(k.compare("equal", i, j),
          () => k.set(sum, k.unary("sqrt", sum)),
          () => k.set(sum, k.divide(sum, k.load(k.add(other, j)))));
        k.store(k.add(row, j), sum);
        k.barrier();
        o.write(k, [...at, i, j], sum);
      }, "j");
      k.loop(k.share(k.add(i, 1)), n, 1, (j) => o.write(k, [...at, i, j], k.constant(0)), "j");
    }, "i");
  });
  return { title: `cholesky ${n}×${n}`, groups, body: k.body(), flops: (matrices * n * n * n) / 3, bytes: 8 * matrices * n * n, before: [] };
}

export interface TriangularSolveOptions {
  /** [..., n, n]; only the lower triangle is read. */
  readonly lower: Operand;
  /** [..., n, k]; leading axes broadcast. */
  readonly b: Operand;
  /** Lᵀ x = b. */
  readonly transpose: boolean;
  /** At [..., n, k]. */
  readonly write: Write;
}

/** Forward (transposed: backward) substitution, columns side by side in vectors. */
export function triangularSolve(o: TriangularSolveOptions, context: TemplateContext): Template {
  const [n, columns] = o.b.shape.slice(-2) as [number, number];
  const rank = Math.max(o.lower.shape.length, o.b.shape.length) - 2;
  const aligned = (shape: readonly number[]) => [...Array<number>(rank - (shape.length - 2)).fill(1), ...shape.slice(0, -2)];
  const [first, second] = [aligned(o.lower.shape), aligned(o.b.shape)];
  const lead = first.map((size, i) => (size === 1 ? second[i]! : size));
  const within = (shape: readonly number[], at: readonly KernelExpr[], k: KernelBuilder) =>
    shape.slice(0, -2).map((size, i) => (size === 1 ? k.integer(0) : at[rank - (shape.length - 2) + i]!));
  const systems = product(lead);
  const { lanes } = context.target;
  const whole = columns - (columns % lanes);
  const items = context.target.simt ? Math.ceil(columns / lanes) : whole / lanes + (columns - whole);
  const total = systems * items;
  const scratch = context.scratch(groupsOf(total, mostGroups(context.target.simt)) * n * lanes);
  const k = kernelBuilder(context.target);
  const base = k.share(k.add(k.multiply(k.group(), n * lanes), scratch));

  const solve = (at: readonly KernelExpr[], column: KernelExpr, width: Width) => k.loop(0, n, 1, (step) => {
    const row = o.transpose ? k.share(k.subtract(n - 1, step)) : step;
    const element = (i: KernelExpr, j: KernelExpr) => o.lower.read(k, [...within(o.lower.shape, at, k), ...(o.transpose ? [j, i] : [i, j])], "scalar");
    // With n = 1 the neighbours of b run along its columns as well; with one column they would run along n, but then width is scalar.
    const sum = k.variable(o.b.read(k, [...within(o.b.shape, at, k), row, column], width), "sum");
    k.loop(0, step, 1, (done) => {
      const j = o.transpose ? k.share(k.subtract(n - 1, done)) : done;
      k.set(sum, k.subtract(sum, k.multiply(k.bind(element(row, j), "l"), k.load(k.add(base, k.share(k.multiply(j, lanes))), "f32", width))));
    }, "done");
    k.set(sum, k.divide(sum, k.bind(element(row, row), "diagonal")));
    k.store(k.add(base, k.share(k.multiply(row, lanes))), sum);
    o.write(k, [...at, row, column], sum);
  }, "step");
  const groups = inGroups(k, total, (id) => {
    const [system, item] = unravel(k, id, [systems, items]) as [KernelExpr, KernelExpr];
    const at = unravel(k, system, lead);
    const vectors = whole / lanes;
    const from = k.share(k.multiply(item, lanes));
    const wide = () => solve(at, from, "vector");
    if (k.simt) return k.lanesBelow(from, columns, wide);
    const single = () => solve(at, k.share(k.add(item, whole - vectors)), "scalar");
    if (vectors === 0) single();
    else if (whole === columns) wide();
    else k.when(k.compare("less", item, vectors), wide, single);
  });
  return { title: `triangular solve ${n}×${columns}`, groups, body: k.body(), flops: systems * n * n * columns, bytes: 4 * systems * (n * n + 2 * n * columns), before: [] };
}
