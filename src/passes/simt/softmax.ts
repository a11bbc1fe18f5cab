import { exp } from "../../ir/kernel/functions/exponential.js";
import { log } from "../../ir/kernel/functions/logarithm.js";
import type { KernelExpr } from "../../ir/kernel/nodes.js";
import { inGroups, overElements } from "../templates/groups.js";
import type { SoftmaxOptions } from "../templates/softmax.js";
import { kernelBuilder, type Template, type TemplateContext, vectorAxis } from "../templates/template.js";
import { product, unravel } from "../templates/views.js";

/** exp(x − max) / Σ exp(x − max), or x − max − log Σ exp(x − max): a group for each row where rows are along the lanes, else a lane. */
export function simtSoftmax(o: SoftmaxOptions, context: TemplateContext): Template {
  const { shape } = o.x;
  const length = shape[o.axis]!;
  const others = shape.map((size, axis) => (axis === o.axis ? 1 : size));
  const k = kernelBuilder(context.target);
  const along = vectorAxis(shape) === o.axis;
  const row = (index: readonly KernelExpr[]): void => {
    const place = (i: KernelExpr): KernelExpr[] => index.map((own, axis) => (axis === o.axis ? i : own));
    const x = (i: KernelExpr): KernelExpr => o.x.read(k, place(i), "vector");
    const each = (visit: (i: KernelExpr) => void): void => (along ? k.vectorLoop(length, visit) : k.loop(0, length, 1, visit));
    const over = (op: "max" | "add", neutral: number, of: (i: KernelExpr) => KernelExpr): KernelExpr => {
      const register = k.variable(k.constant(neutral, "f32", "vector"), op);
      each((i) => k.set(register, k.binary(op, register, of(i))));
      return along ? k.bind(k.reduceLanes(op, register), op) : register;
    };
    const top = over("max", -Infinity, x);
    const sum = over("add", 0, (i) => exp(k, k.bind(k.subtract(x(i), top))));
    const norm = o.log ? k.bind(log(k, sum), "log_sum") : sum;
    each((i) => {
      const shifted = k.bind(k.subtract(x(i), top), "shifted");
      o.write(k, place(i), k.bind(o.log ? k.subtract(shifted, norm) : k.divide(exp(k, shifted), norm), "value"));
    });
  };
  const groups = along ? inGroups(k, product(others), (flat) => row(unravel(k, flat, others))) : overElements(k, others, row);
  return { title: o.log ? "log-softmax" : "softmax", groups, body: k.body(), flops: 0, bytes: 12 * product(shape), before: [] };
}
