import { InternalError } from "../../util/internal-error.js";
import { memoryOpcodes, type Opcode, opcodes } from "./opcodes.js";
import type { Wat } from "./wat.js";

/** A module of kernels before it is text or bytes: a memory import of so many pages, and functions. */
export interface WasmModule {
  readonly pages: number;
  readonly functions: readonly (readonly Wat[])[];
}

const valueTypes: Readonly<Record<string, number>> = { i32: 0x7f, f32: 0x7d, v128: 0x7b };

/**
 * The binary format of a module (WebAssembly Core Specification, chapter 5), as an assembler makes it of the printed text. Without
 * `relaxed`, multiply-adds are a product and a sum.
 */
export function encodeModule({ pages, functions }: WasmModule, relaxed: boolean): Uint8Array {
  const types = new Map<string, { readonly index: number; readonly bytes: readonly number[] }>();
  const names = new Map(functions.map((each, index) => [each[1] as string, index]));
  const typeOf = functions.map((each) => {
    const signature = [0x60, ...vector(partsOf(each, "param").map((part) => [valueTypes[part[2] as string]!])), ...vector(partsOf(each, "result").map((part) => [valueTypes[part[1] as string]!]))];
    const key = signature.join();
    const known = types.get(key) ?? { index: types.size, bytes: signature };
    types.set(key, known);
    return known.index;
  });
  const exported = functions.flatMap((each, index) => partsOf(each, "export").map((part) => [...name(JSON.parse(part[1] as string) as string), 0x00, ...unsigned(index)]));
  const sections: [number, readonly number[]][] = [
    [1, vector([...types.values()].map(({ bytes }) => bytes))],
    // Shared (bit 1) with a maximum (bit 0).
    [2, vector([[...name("lvmc"), ...name("memory"), 0x02, 0x03, ...unsigned(pages), ...unsigned(pages)]])],
    [3, vector(typeOf.map(unsigned))],
    [7, vector(exported)],
    [10, vector(functions.map((each) => sized(encodeFunction(each, names, relaxed))))],
  ];
  return Uint8Array.from([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, ...sections.flatMap(([id, bytes]) => (bytes[0] === 0 ? [] : [id, ...sized(bytes)]))]);
}

function encodeFunction(definition: readonly Wat[], functions: ReadonlyMap<string, number>, relaxed: boolean): number[] {
  const [parameters, declared] = [partsOf(definition, "param"), partsOf(definition, "local")];
  const locals = new Map([...parameters, ...declared].map((part, index) => [part[1] as string, index]));
  const runs: { count: number; readonly type: number }[] = [];
  for (const [, , type] of declared) {
    const code = valueTypes[type as string]!;
    if (runs.at(-1)?.type === code) runs.at(-1)!.count++;
    else runs.push({ count: 1, type: code });
  }
  const out = vector(runs.map(({ count, type }) => [...unsigned(count), type]));
  const labels: string[] = [];
  const put = (...bytes: readonly number[]): void => void out.push(...bytes);
  const operation = ({ prefix, code }: Opcode): void => (prefix === undefined ? put(code) : put(prefix, ...unsigned(code)));
  const all = (list: readonly Wat[]): void => list.forEach(write);

  const write = (tree: Wat): void => {
    if (typeof tree === "string") throw new InternalError(`a kernel has the word ${tree} where an instruction belongs`);
    const head = tree[0] as string;
    switch (head) {
      case "local.get":
        return put(0x20, ...unsigned(local(tree)));
      case "local.set":
      case "local.tee":
        write(tree[2]!);
        return put(head === "local.set" ? 0x21 : 0x22, ...unsigned(local(tree)));
      case "i32.const":
        return put(0x41, ...signed(Number(tree[1]) | 0));
      case "f32.const":
        return put(0x43, ...floatBytes(tree[1] as string));
      case "v128.const":
        return put(0xfd, 12, ...tree.slice(2).flatMap((word) => (tree[1] === "f32x4" ? floatBytes(word as string) : integerBytes(Number(word)))));
      case "call":
        all(tree.slice(2));
        return put(0x10, ...unsigned(functions.get(tree[1] as string) ?? missing(tree)));
      case "loop":
        put(0x03, 0x40);
        labels.push(tree[1] as string);
        all(tree.slice(2));
        labels.pop();
        return put(0x0b);
      case "br_if":
        write(tree[2]!);
        return put(0x0d, ...unsigned(labels.length - 1 - labels.lastIndexOf(tree[1] as string)));
      case "if": {
        const result = tree.find((part) => part[0] === "result");
        const block = (part: string) => (tree.find((each) => each[0] === part) ?? []).slice(1) as readonly Wat[];
        write(tree[result === undefined ? 1 : 2]!);
        put(0x04, result === undefined ? 0x40 : valueTypes[result[1] as string]!);
        labels.push("");
        all(block("then"));
        if (block("else").length > 0) put(0x05);
        all(block("else"));
        labels.pop();
        return put(0x0b);
      }
      case "f32x4.relaxed_madd":
        if (relaxed) break;
        return write(["f32x4.add", ["f32x4.mul", tree[1]!, tree[2]!], tree[3]!]);
      default:
    }
    const words = tree.slice(1).filter((part): part is string => typeof part === "string");
    all(tree.slice(1 + words.length));
    const memory = memoryOpcodes.get(head);
    if (memory !== undefined) {
      const offset = words[0]?.startsWith("offset=") ? Number(words[0].slice(7)) : 0;
      operation(memory);
      return put(memory.align, ...unsigned(offset), ...words.filter((word) => !word.startsWith("offset=")).map(Number));
    }
    operation(opcodes.get(head) ?? missing(tree));
    put(...words.map(Number));
  };
  const local = (tree: readonly Wat[]): number => locals.get(tree[1] as string) ?? missing(tree);
  const signature = ["export", "param", "result", "local"];
  all(definition.slice(2).filter((part) => !signature.includes(part[0] as string)));
  put(0x0b);
  return out;
}

function missing(tree: readonly Wat[]): never {
  throw new InternalError(`kernels have no ${tree.filter((part) => typeof part === "string").join(" ")}`);
}

const partsOf = (tree: readonly Wat[], head: string): readonly (readonly Wat[])[] => tree.filter((part): part is readonly Wat[] => typeof part !== "string" && part[0] === head);

/** LEB128. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  do {
    const rest = Math.floor(value / 128);
    bytes.push((value % 128) | (rest > 0 ? 0x80 : 0));
    value = rest;
  } while (value > 0);
  return bytes;
}

function signed(value: number): number[] {
  const bytes: number[] = [];
  for (;;) {
    const byte = value & 0x7f;
    value >>= 7;
    const isLast = (value === 0 && (byte & 0x40) === 0) || (value === -1 && (byte & 0x40) !== 0);
    bytes.push(isLast ? byte : byte | 0x80);
    if (isLast) return bytes;
  }
}

const integerBytes = (value: number): number[] => [value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, (value >> 24) & 0xff];

const scratch = new DataView(new ArrayBuffer(4));
function floatBytes(text: string): number[] {
  if (text === "nan") return [0x00, 0x00, 0xc0, 0x7f];
  scratch.setFloat32(0, text === "inf" ? Infinity : text === "-inf" ? -Infinity : Number(text), true);
  return [0, 1, 2, 3].map((at) => scratch.getUint8(at));
}

const vector = (items: readonly (readonly number[])[]): number[] => {
  const out = unsigned(items.length);
  for (const item of items) for (const byte of item) out.push(byte);
  return out;
};

const sized = (bytes: readonly number[]): number[] => {
  const out = unsigned(bytes.length);
  for (const byte of bytes) out.push(byte);
  return out;
};

const name = (text: string): number[] => sized([...text].map((letter) => letter.charCodeAt(0)));
