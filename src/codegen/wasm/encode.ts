import { InternalError } from "../../util/internal-error.js";
import { ByteWriter } from "./byte-writer.js";
import { memoryOpcodes, type Opcode, opcodes } from "./opcodes.js";
import type { Wat } from "./wat.js";

/** A module of kernels before it is text or bytes: a memory import of so many pages, and functions. */
export interface WasmModule {
  readonly pages: number;
  readonly functions: readonly (readonly Wat[])[];
}

const valueTypes: Readonly<Record<string, number>> = { i32: 0x7f, f32: 0x7d, v128: 0x7b };
const emptyBlock = 0x40;

/**
 * The binary format of a module (WebAssembly Core Specification, chapter 5), byte for byte as an assembler makes it of the printed text.
 * Without `relaxed`, multiply-adds are a product and a sum.
 */
export function encodeModule({ pages, functions }: WasmModule, relaxed: boolean): Uint8Array {
  const names = new Map(functions.map((each, index) => [each[1] as string, index]));
  const signatures = functions.map((each) => [partsOf(each, "param").map((part) => part[2] as string), partsOf(each, "result").map((part) => part[1] as string)] as const);
  const keys = signatures.map((each) => JSON.stringify(each));
  const types = [...new Set(keys)];
  const exported = functions.flatMap((each, index) => partsOf(each, "export").map((part) => ({ name: JSON.parse(part[1] as string) as string, index })));
  const out = new ByteWriter();
  for (const byte of [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]) out.byte(byte);
  const section = (id: number, write: (part: ByteWriter) => void): void => {
    out.byte(id);
    out.sized(write);
  };
  section(1, (part) => part.vector(types, (key) => {
    part.byte(0x60);
    for (const list of signatures[keys.indexOf(key)]!) part.vector(list, (type) => part.byte(valueTypes[type]!));
  }));
  section(2, (part) => part.vector([pages], () => {
    part.name("lvmc");
    part.name("memory");
    part.byte(0x02);
    // Shared (bit 1) with a maximum (bit 0).
    part.byte(0x03);
    part.unsigned(pages);
    part.unsigned(pages);
  }));
  section(3, (part) => part.vector(keys, (key) => part.unsigned(types.indexOf(key))));
  section(7, (part) => part.vector(exported, ({ name, index }) => {
    part.name(name);
    part.byte(0x00);
    part.unsigned(index);
  }));
  section(10, (part) => part.vector(functions, (each) => part.sized((code) => encodeFunction(code, each, names, relaxed))));
  return out.bytes();
}

function encodeFunction(out: ByteWriter, definition: readonly Wat[], functions: ReadonlyMap<string, number>, relaxed: boolean): void {
  const declared = partsOf(definition, "local");
  const locals = new Map([...partsOf(definition, "param"), ...declared].map((part, index) => [part[1] as string, index]));
  const runs: { count: number; readonly type: string }[] = [];
  for (const [, , type] of declared) {
    if (runs.at(-1)?.type === type) runs.at(-1)!.count++;
    else runs.push({ count: 1, type: type as string });
  }
  out.vector(runs, ({ count, type }) => {
    out.unsigned(count);
    out.byte(valueTypes[type]!);
  });
  const labels: string[] = [];
  const operation = ({ prefix, code }: Opcode): void => {
    if (prefix === undefined) return out.byte(code);
    out.byte(prefix);
    out.unsigned(code);
  };
  const numbered = (code: number, number: number | undefined, tree: readonly Wat[]): void => {
    out.byte(code);
    out.unsigned(number ?? missing(tree));
  };
  const inside = (label: string, list: readonly Wat[]): void => {
    labels.push(label);
    list.forEach(write);
    labels.pop();
  };

  const write = (tree: Wat): void => {
    if (typeof tree === "string") throw new InternalError(`a kernel has the word ${tree} where an instruction belongs`);
    const head = tree[0] as string;
    switch (head) {
      case "local.get":
        return numbered(0x20, locals.get(tree[1] as string), tree);
      case "local.set":
      case "local.tee":
        write(tree[2]!);
        return numbered(head === "local.set" ? 0x21 : 0x22, locals.get(tree[1] as string), tree);
      case "i32.const":
        out.byte(0x41);
        return out.signed(Number(tree[1]));
      case "f32.const":
        out.byte(0x43);
        return out.word(bitsOf(tree[1] as string));
      case "v128.const":
        operation({ prefix: 0xfd, code: 12 });
        return tree.slice(2).forEach((word) => out.word(tree[1] === "f32x4" ? bitsOf(word as string) : Number(word)));
      case "call":
        tree.slice(2).forEach(write);
        return numbered(0x10, functions.get(tree[1] as string), tree);
      case "loop":
        out.byte(0x03);
        out.byte(emptyBlock);
        inside(tree[1] as string, tree.slice(2));
        return out.byte(0x0b);
      case "br_if":
        write(tree[2]!);
        return numbered(0x0d, labels.length - 1 - labels.lastIndexOf(tree[1] as string), tree);
      case "if": {
        const result = tree.find((part) => part[0] === "result");
        const [then = [], otherwise = []] = ["then", "else"].map((head) => tree.find((part) => part[0] === head) as readonly Wat[] | undefined);
        write(tree[result === undefined ? 1 : 2]!);
        out.byte(0x04);
        out.byte(result === undefined ? emptyBlock : valueTypes[result[1] as string]!);
        inside("", then.slice(1));
        if (otherwise.length > 1) {
          out.byte(0x05);
          inside("", otherwise.slice(1));
        }
        return out.byte(0x0b);
      }
      case "f32x4.relaxed_madd":
        if (relaxed) break;
        return write(["f32x4.add", ["f32x4.mul", tree[1]!, tree[2]!], tree[3]!]);
      default:
    }
    const words: string[] = [];
    for (let at = 1; typeof tree[at] === "string"; at++) words.push(tree[at] as string);
    for (let at = 1 + words.length; at < tree.length; at++) write(tree[at]!);
    const memory = memoryOpcodes.get(head);
    operation(memory ?? opcodes.get(head) ?? missing(tree));
    if (memory !== undefined) {
      out.unsigned(memory.align);
      out.unsigned(words[0]?.startsWith("offset=") ? Number(words.shift()!.slice(7)) : 0);
    }
    for (const word of words) out.unsigned(Number(word));
  };
  const signature = ["export", "param", "result", "local"];
  inside("", definition.slice(2).filter((part) => !signature.includes(part[0] as string)));
  out.byte(0x0b);
}

function missing(tree: readonly Wat[]): never {
  throw new InternalError(`kernels have no ${tree.filter((part) => typeof part === "string").join(" ")}`);
}

const partsOf = (tree: readonly Wat[], head: string): readonly (readonly Wat[])[] => tree.filter((part): part is readonly Wat[] => typeof part !== "string" && part[0] === head);

const single = new Float32Array(1);
const bits = new Int32Array(single.buffer);

/** A float32 as an integer. */
function bitsOf(text: string): number {
  if (text === "nan") return 0x7fc00000;
  single[0] = text === "inf" ? Infinity : text === "-inf" ? -Infinity : Number(text);
  return bits[0]!;
}
