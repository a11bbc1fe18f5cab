import { KernelBuilder } from "../../ir/kernel/builder.js";
import type { KernelExpr } from "../../ir/kernel/nodes.js";
import type { DotProblem } from "./dot.js";
import { maxGroups } from "./groups.js";
import type { Template, TemplateContext } from "./template.js";
import { zeros } from "./tile.js";
import { product, unravel } from "./views.js";
import { withBody } from "./with-body.js";

/**
 * Products whose operands are both adjacent along the summed axis: a tile of dot products in vectors along k, whose lanes are added at
 * the end. A group makes a block of rows × `lanes` columns in its own words, so that the epilogue runs on vectors again.
 */
export function dotAlongSum(p: DotProblem, context: TemplateContext): Template {
  const { target } = context;
  const { lanes } = target;
  const wide = Math.min(p.n, lanes);
  // Accumulators, one vector of each row and column in flight.
  const [mr, nr] = tileOf(p, target.registers, wide);
  const [rowTiles, blocks] = [Math.ceil(p.m / mr), Math.ceil(p.n / lanes)];
  const batches = product(p.batch);
  const total = batches * blocks * rowTiles;
  const perGroup = Math.ceil(total / maxGroups);
  const groups = Math.ceil(total / perGroup);
  const words = mr * lanes * p.side;
  const spill = context.scratch(groups * words);
  const k = new KernelBuilder(lanes);
  const spillAt = k.share(k.add(k.multiply(k.group(), words), spill));
  const whole = p.k - (p.k % lanes);

  /** rows × columns results from column `at` on; they go to the group's words at column `local`. */
  const dots = (batch: readonly KernelExpr[], row0: KernelExpr, rows: number, block: KernelExpr, local: KernelExpr, columns: number) => {
    const at = k.share(k.add(k.multiply(block, lanes), local));
    for (let h = 0; h < p.side; h++) {
      const acc = zeros(k, rows, columns, "vector");
      k.loop(0, whole, lanes, (sum) => {
        const right = Array.from({ length: columns }, (_, c) => k.bind(p.right(k, h, batch, sum, k.add(at, c), "vector"), "b"));
        for (let r = 0; r < rows; r++) {
          const left = k.bind(p.left(k, batch, k.add(row0, r), sum, "vector"), "a");
          right.forEach((b, c) => k.set(acc[r]![c]!, k.multiplyAdd(left, b, acc[r]![c]!)));
        }
      }, "k");
      const sums = acc.map((row) => row.map((register) => k.variable(k.reduceLanes("add", register), "sum")));
      k.loop(whole, p.k, 1, (sum) => {
        const right = Array.from({ length: columns }, (_, c) => k.bind(p.right(k, h, batch, sum, k.add(at, c), "scalar"), "b"));
        for (let r = 0; r < rows; r++) {
          const left = k.bind(p.left(k, batch, k.add(row0, r), sum, "scalar"), "a");
          right.forEach((b, c) => k.set(sums[r]![c]!, k.multiplyAdd(left, b, sums[r]![c]!)));
        }
      }, "k");
      sums.forEach((row, r) => row.forEach((value, c) => k.store(k.add(k.add(spillAt, local), (h * mr + r) * lanes + c), value)));
    }
  };
  const block = (batch: readonly KernelExpr[], row0: KernelExpr, rows: number, block: KernelExpr, columns: number) => {
    const regular = columns - (columns % nr);
    k.loop(0, regular, nr, (local) => dots(batch, row0, rows, block, local, nr), "local");
    if (columns > regular) dots(batch, row0, rows, block, k.integer(regular), columns - regular);
    k.loop(0, rows, 1, (r) => {
      const write = (lane: KernelExpr, width: "scalar" | "vector") => p.write(
        k, [...batch, k.share(k.add(row0, r)), k.share(k.add(k.multiply(block, lanes), lane))],
        Array.from({ length: p.side }, (_, h) => k.bind(k.load(k.add(k.add(k.share(k.add(spillAt, k.multiply(r, lanes))), lane), h * mr * lanes), "f32", width), "value")),
      );
      if (columns === lanes) write(k.integer(0), "vector");
      else k.loop(0, columns, 1, (lane) => write(lane, "scalar"), "lane");
    }, "r");
  };
  const oneTile = (id: KernelExpr) => {
    const [b, n, m] = unravel(k, id, [batches, blocks, rowTiles]) as [KernelExpr, KernelExpr, KernelExpr];
    const batch = unravel(k, b, p.batch);
    const rest = p.m % mr;
    const rows = (columns: number) => {
      const full = () => block(batch, k.share(k.multiply(m, mr)), mr, n, columns);
      const tail = () => block(batch, k.integer(p.m - rest), rest, n, columns);
      if (rest === 0) full();
      else if (rowTiles === 1) tail();
      else k.when(k.compare("less", m, rowTiles - 1), full, tail);
    };
    if (p.n % lanes === 0) rows(lanes);
    else if (blocks === 1) rows(p.n);
    else k.when(k.compare("less", n, blocks - 1), () => rows(lanes), () => rows(p.n % lanes));
  };
  const body = () => {
    if (perGroup === 1) oneTile(k.group());
    else {
      const from = k.share(k.multiply(k.group(), perGroup));
      k.loop(from, k.share(k.min(k.add(from, perGroup), total)), 1, oneTile, "tile");
    }
    return k.body();
  };
  const flops = 2 * batches * p.side * p.m * p.n * p.k;
  const bytes = 4 * (batches * p.m * p.k + p.side * product(p.rightBatch) * p.k * p.n + batches * p.side * p.m * p.n);
  return withBody({ title: `dot ${[...p.batch, p.m, p.n].join("×")} along ${p.k}`, groups, flops, bytes, before: [] }, body);
}

function tileOf(p: DotProblem, registers: number, wide: number): [number, number] {
  const most = registers >= 32 ? 4 : 2;
  const mr = Math.min(p.m, most);
  const nr = Math.max(1, Math.min(wide, mr === 1 ? 8 : registers >= 32 ? 4 : 4));
  return [mr, nr];
}
