import { InternalError } from "../../util/internal-error.js";
import { binaryMeaning, unaryMeaning } from "./evaluate/meaning.js";
import { launchesOf } from "./launches.js";
import { has, usesFours } from "./statements.js";
import { type ElementType, type Kernel, type KernelExpr, type KernelFunction, type KernelProgram, type Launch, mostLoops, type Statement, type Width } from "./nodes.js";

/** What a name stands for. Only `var` can be set; a let, a loop variable and a parameter cannot. */
interface Binding {
  readonly type: ElementType;
  readonly width: Width;
  readonly variable: boolean;
}

interface Context {
  readonly place: string;
  readonly program: KernelProgram;
  readonly functions: ReadonlyMap<string, KernelFunction>;
  /** False in functions: they have no group and touch no memory. */
  readonly inKernel: boolean;
  /** Loops of launches around the kernel. */
  readonly loops?: number;
  /** Whether some lanes may rest here. */
  readonly masked?: boolean;
}

type Names = Map<string, Binding>;

function refuse(context: { readonly place: string }, problem: string): never {
  throw new InternalError(`${context.place}: ${problem}`);
}

const namePattern = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Throws `InternalError` where a program breaks a rule of nodes.ts: names, types, widths, constants, calls. */
export function verifyKernels(program: KernelProgram): void {
  const top = { place: `program ${program.name}` };
  verifyLanes(program.lanes, top);
  if (!Number.isInteger(program.words) || program.words < 0) refuse(top, `an arena of ${program.words} words`);
  const functions = new Map<string, KernelFunction>();
  for (const definition of program.functions) {
    const place = `function ${definition.name}`;
    if (!namePattern.test(definition.name)) refuse({ place }, "its name is not made of letters, digits and _");
    if (functions.has(definition.name)) refuse({ place }, "defined twice");
    verifyFunction(definition, { place, program, functions, inKernel: false });
    // Known to those after it only: no recursion.
    functions.set(definition.name, definition);
  }
  const names = new Set<string>();
  for (const kernel of program.kernels) {
    const place = `kernel ${kernel.name}`;
    if (!namePattern.test(kernel.name)) refuse({ place }, "its name is not made of letters, digits and _");
    if (names.has(kernel.name)) refuse({ place }, "defined twice");
    names.add(kernel.name);
    verifyKernel(kernel, { place, program, functions, inKernel: true, loops: kernel.loops?.length ?? 0 });
  }
  verifyLaunches(program, top);
}

function verifyKernel(kernel: Kernel, context: Context): void {
  if (!Number.isInteger(kernel.groups) || kernel.groups < 0) refuse(context, `${kernel.groups} groups`);
  if (kernel.shared !== undefined) {
    simtOnly(context, "has groups with memory of their own");
    if (!Number.isInteger(kernel.shared) || kernel.shared < 0) refuse(context, `${kernel.shared} words for a group`);
  }
  if (kernel.lanes !== undefined) {
    simtOnly(context, "has lanes of its own");
    verifyLanes(kernel.lanes, context);
  }
  if (usesFours(kernel.body)) {
    if ((kernel.shared ?? 0) % 4 !== 0) refuse(context, `${kernel.shared} words for a group are not used by fours`);
    if (has(kernel.body, ({ kind }) => kind === "store-shared")) refuse(context, "a word is stored alone in a group's memory that is used by fours");
  }
  verifyBlock(kernel.body, new Map(), context);
}

/** Every kernel stands in one place, within as many loops as it says. */
function verifyLaunches(program: KernelProgram, top: { readonly place: string }): void {
  const seen = new Set<number>();
  const visit = (launch: Launch, loops: readonly number[]): void => {
    if (typeof launch === "number") {
      const kernel = program.kernels[launch];
      if (!kernel) refuse(top, `kernel ${launch} is launched, and there are ${program.kernels.length}`);
      if (seen.has(launch)) refuse(top, `kernel ${kernel.name} is launched in two places`);
      seen.add(launch);
      if ((kernel.loops ?? []).join() !== loops.join()) refuse(top, `kernel ${kernel.name} stands in loops of ${loops.join(", ") || "no"} steps, and says ${(kernel.loops ?? []).join(", ") || "none"}`);
      return;
    }
    if (!Number.isInteger(launch.steps) || launch.steps < 1) refuse(top, `a loop of ${launch.steps} steps`);
    if (loops.length >= mostLoops) refuse(top, `more than ${mostLoops} loops in each other`);
    launch.body.forEach((each) => visit(each, [...loops, launch.steps]));
  };
  launchesOf(program).forEach((each) => visit(each, []));
  if (seen.size !== program.kernels.length) refuse(top, "a kernel is never launched");
}

function verifyFunction(definition: KernelFunction, context: Context): void {
  const names: Names = new Map();
  for (const { name, type } of definition.parameters) define(name, { type, width: "scalar", variable: false }, names, context);
  // The value sees what the body defined.
  for (const statement of definition.body) verifyStatement(statement, names, context);
  const { type, width } = verifyExpr(definition.value, names, context);
  if (type !== definition.result || width !== "scalar") refuse(context, `gives a ${width} ${type}, not the scalar ${definition.result} it promises`);
}

function define(name: string, binding: Binding, names: Names, context: Context): void {
  if (!namePattern.test(name)) refuse(context, `the name ${JSON.stringify(name)} is not made of letters, digits and _`);
  if (names.has(name)) refuse(context, `${name} is defined twice`);
  names.set(name, binding);
}

function verifyLanes(lanes: number, place: { readonly place: string }): void {
  if (!Number.isInteger(lanes) || lanes < 1 || (lanes & (lanes - 1)) !== 0) refuse(place, `${lanes} lanes are not a power of two`);
}

function simtOnly(context: Context, what: string): void {
  if (!context.program.simt) refuse(context, `${what}, but lanes are not invocations`);
}

/** What all lanes do together cannot be where some rest. */
function together(context: Context, what: string): void {
  if (context.masked) refuse(context, `${what} where some lanes rest`);
}

/** A block sees the names around it; its own end with it, but none may repeat one that is visible. */
function verifyBlock(statements: readonly Statement[], outer: Names, context: Context): void {
  const own: Names = new Map(outer);
  for (const statement of statements) verifyStatement(statement, own, context);
}

function verifyStatement(statement: Statement, names: Names, context: Context): void {
  switch (statement.kind) {
    case "let":
    case "var": {
      const { type, width } = verifyExpr(statement.value, names, context);
      return define(statement.name, { type, width, variable: statement.kind === "var" }, names, context);
    }
    case "set": {
      const binding = names.get(statement.name);
      if (!binding) refuse(context, `${statement.name} is set before it is defined`);
      if (!binding.variable) refuse(context, `${statement.name} is set but is not a var`);
      const { type, width } = verifyExpr(statement.value, names, context);
      if (width === "scalar") together(context, `${statement.name}, a scalar, is set`);
      if (type !== binding.type || width !== binding.width) refuse(context, `${statement.name}, a ${binding.width} ${binding.type}, is set to a ${width} ${type}`);
      return;
    }
    case "for": {
      expect(statement.from, "i32", "scalar", "a loop's start", names, context);
      expect(statement.to, "i32", "scalar", "a loop's end", names, context);
      if (!Number.isInteger(statement.step) || statement.step < 1) refuse(context, `the loop over ${statement.name} steps by ${statement.step}`);
      const inner: Names = new Map(names);
      define(statement.name, { type: "i32", width: "scalar", variable: false }, inner, context);
      return verifyBlock(statement.body, inner, context);
    }
    case "if": {
      const { width } = statement.condition;
      if (width === "vector") simtOnly(context, "a condition is a vector");
      expect(statement.condition, "bool", width, "a condition", names, context);
      const inside = width === "vector" ? { ...context, masked: true } : context;
      verifyBlock(statement.then, names, inside);
      return verifyBlock(statement.otherwise, names, inside);
    }
    case "store":
      if (!context.inKernel) refuse(context, "a function stores");
      if (statement.index.width === "vector") simtOnly(context, "the index of a store is a vector");
      expect(statement.index, "i32", statement.index.width, "the index of a store", names, context);
      if (statement.index.width === "scalar") verifyIndex(statement.index, statement.value.width, context);
      if (statement.value.width === "scalar") together(context, "a scalar is stored");
      if (statement.index.width === "vector" && statement.value.width === "scalar") refuse(context, "a scalar is stored at a vector of indices");
      verifyExpr(statement.value, names, context);
      return;
    case "store-shared":
      verifyShared(statement.index, names, context);
      if (verifyExpr(statement.value, names, context).width !== "vector") refuse(context, "a scalar is stored in a group's memory");
      return;
    case "load-four":
      verifyShared(statement.index, names, context);
      for (const name of statement.names) define(name, { type: statement.type, width: "vector", variable: false }, names, context);
      return;
    case "store-four":
      verifyShared(statement.index, names, context);
      for (const value of statement.values) if (verifyExpr(value, names, context).width !== "vector") refuse(context, "a scalar is stored in a group's memory");
      return;
    case "barrier":
      simtOnly(context, "there is a barrier");
      if (!context.inKernel) refuse(context, "a function has a barrier");
      return together(context, "a barrier");
  }
}

function expect(expr: KernelExpr, type: ElementType, width: Width, what: string, names: Names, context: Context): void {
  verifyExpr(expr, names, context);
  if (expr.type !== type || expr.width !== width) refuse(context, `${what} is a ${expr.width} ${expr.type}, not a ${width} ${type}`);
}

function verifyShared(index: KernelExpr, names: Names, context: Context): void {
  simtOnly(context, "a group's memory is used");
  if (!context.inKernel) refuse(context, "a function uses a group's memory");
  expect(index, "i32", "vector", "an index in a group's memory", names, context);
}

/** An access whose place is known lies in the arena. */
function verifyIndex(index: KernelExpr, width: Width, { place, program }: Context): void {
  if (index.kind !== "constant") return;
  const last = index.value + (width === "vector" && !program.simt ? program.lanes : 1);
  if (index.value < 0 || last > program.words) refuse({ place }, `word ${index.value} is outside the arena of ${program.words} words`);
}

/** Checks an expression and all inside it; gives it back for its type and width. */
function verifyExpr(expr: KernelExpr, names: Names, context: Context): KernelExpr {
  const is = (type: ElementType, width: Width, what: string): void => {
    if (expr.type !== type || expr.width !== width) refuse(context, `${what} is a ${width} ${type}, but is called a ${expr.width} ${expr.type}`);
  };
  const inside = (part: KernelExpr): KernelExpr => verifyExpr(part, names, context);
  const alike = (a: KernelExpr, b: KernelExpr, what: string): void => {
    if (a.type !== b.type || a.width !== b.width) refuse(context, `${what}: a ${a.width} ${a.type} meets a ${b.width} ${b.type}`);
  };
  switch (expr.kind) {
    case "constant": {
      const { value, type } = expr;
      const fits = type === "f32" || (type === "bool" ? value === 0 || value === 1 : Number.isInteger(value) && value >= (type === "i32" ? -2147483648 : 0) && value <= (type === "i32" ? 2147483647 : 4294967295));
      if (!fits) refuse(context, `${value} is not a number of type ${type}`);
      return expr;
    }
    case "name": {
      const binding = names.get(expr.name);
      if (!binding) refuse(context, `${expr.name} is used before it is defined`);
      is(binding.type, binding.width, expr.name);
      return expr;
    }
    case "group":
      if (!context.inKernel) refuse(context, "a function asks for the group");
      is("i32", "scalar", "the group");
      return expr;
    case "loop-index":
      if (!(Number.isInteger(expr.depth) && expr.depth >= 0 && expr.depth < (context.loops ?? 0))) refuse(context, `asks for the index of loop ${expr.depth} of ${context.loops ?? 0}`);
      is("i32", "scalar", "the index of a loop");
      return expr;
    case "load":
      if (!context.inKernel) refuse(context, "a function loads");
      expect(expr.index, "i32", "scalar", "the index of a load", names, context);
      verifyIndex(expr.index, expr.width, context);
      return expr;
    case "gather":
      if (!context.inKernel) refuse(context, "a function loads");
      expect(expr.index, "i32", "vector", "the index of a gather", names, context);
      is(expr.type, "vector", "a gather");
      return expr;
    case "load-shared":
      verifyShared(expr.index, names, context);
      is(expr.type, "vector", "a load of a group's memory");
      return expr;
    case "splat":
      expect(expr.value, expr.type, "scalar", "the value of a splat", names, context);
      is(expr.type, "vector", "a splat");
      return expr;
    case "lane-numbers":
      is("i32", "vector", "the lane numbers");
      return expr;
    case "unary":
      inside(expr.value);
      is(expr.value.type, expr.value.width, expr.op);
      unaryMeaning(expr.op, expr.type); // throws where the type has no such operation
      return expr;
    case "binary":
      alike(inside(expr.left), inside(expr.right), expr.op);
      is(expr.left.type, expr.left.width, expr.op);
      binaryMeaning(expr.op, expr.type);
      if (expr.op === "shift_left" || expr.op === "shift_right") {
        if (expr.right.kind !== "constant" || expr.right.value < 0 || expr.right.value > 31) refuse(context, `${expr.op} is not by a constant below 32`);
      }
      return expr;
    case "multiply-add":
      alike(inside(expr.a), inside(expr.b), "multiply-add");
      alike(expr.a, inside(expr.c), "multiply-add");
      is(expr.a.type, expr.a.width, "multiply-add");
      if (expr.type !== "f32") refuse(context, `a multiply-add of ${expr.type}`);
      return expr;
    case "compare":
      alike(inside(expr.left), inside(expr.right), expr.op);
      is("bool", expr.left.width, expr.op);
      return expr;
    case "select":
      alike(inside(expr.yes), inside(expr.no), "select");
      expect(expr.condition, "bool", expr.yes.width, "the condition of a select", names, context);
      is(expr.yes.type, expr.yes.width, "select");
      return expr;
    case "convert":
      inside(expr.value);
      is(expr.type, expr.value.width, "convert");
      return expr;
    case "bitcast":
      inside(expr.value);
      is(expr.type, expr.value.width, "bitcast");
      if (expr.type === "bool" || expr.value.type === "bool") refuse(context, "a bool has no bits to cast");
      return expr;
    case "reduce-lanes":
      expect(expr.value, expr.type, "vector", "the value of reduce-lanes", names, context);
      is(expr.value.type, "scalar", "reduce-lanes");
      together(context, "reduce-lanes");
      if (expr.type === "bool") refuse(context, "reduce-lanes of bools");
      return expr;
    case "call": {
      const target = context.functions.get(expr.function);
      if (!target) refuse(context, `no function ${expr.function}`);
      if (expr.args.length !== target.parameters.length) refuse(context, `${expr.function} takes ${target.parameters.length} arguments, not ${expr.args.length}`);
      if (expr.width === "vector") simtOnly(context, `${expr.function} of vectors`);
      expr.args.forEach((arg, i) => expect(arg, target.parameters[i]!.type, expr.width, `argument ${i + 1} of ${expr.function}`, names, context));
      is(target.result, expr.width, expr.function);
      return expr;
    }
  }
}
