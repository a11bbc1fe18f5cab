import { LvmError } from "./error.js";

/** A named array as it stands in a safetensors file. */
export type SafeTensor =
  | { readonly dtype: "F32"; readonly shape: readonly number[]; readonly data: Float32Array }
  | { readonly dtype: "F64"; readonly shape: readonly number[]; readonly data: Float64Array }
  | { readonly dtype: "I32"; readonly shape: readonly number[]; readonly data: Int32Array }
  | { readonly dtype: "U32"; readonly shape: readonly number[]; readonly data: Uint32Array }
  | { readonly dtype: "I64"; readonly shape: readonly number[]; readonly data: BigInt64Array }
  | { readonly dtype: "U8"; readonly shape: readonly number[]; readonly data: Uint8Array };

export interface SafetensorsFile {
  /** In the order of the file's data. */
  readonly tensors: ReadonlyMap<string, SafeTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Writes the safetensors format (Hugging Face, format description of 2023): the header's length as a little-endian uint64, the header in
 * JSON, the arrays without gaps in the order given. The same input gives the same bytes.
 */
export function writeSafetensors(tensors: ReadonlyMap<string, SafeTensor>, metadata: Readonly<Record<string, string>> = {}): Uint8Array {
  const header = Object.create(null) as Record<string, unknown>;
  if (Object.keys(metadata).length > 0) header["__metadata__"] = metadata;
  let offset = 0;
  for (const [name, { dtype, shape, data }] of tensors) {
    if (name === "__metadata__") throw new RangeError("no tensor can be named __metadata__");
    if (shape.reduce((product, size) => product * size, 1) !== data.length) throw new RangeError(`tensor ${name} of shape [${shape.join(", ")}] has ${data.length} elements`);
    header[name] = { dtype, shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  // Spaces fill the header up so that the data begins at a multiple of 8.
  const headerLength = Math.ceil(text.length / 8) * 8;
  const out = new Uint8Array(8 + headerLength + offset).fill(0x20, 8, 8 + headerLength);
  new DataView(out.buffer).setBigUint64(0, BigInt(headerLength), true);
  out.set(text, 8);
  let at = 8 + headerLength;
  for (const { data } of tensors.values()) {
    out.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return out;
}

/**
 * Reads a safetensors file. Everything in the header is checked against the bytes that are there before anything is allocated: the
 * header's length, element types, shapes, and that the arrays cover the data without overlap, gap or rest.
 *
 * @throws LvmError LVM7030 with the tensor's name
 */
export function readSafetensors(bytes: Uint8Array, file: string): SafetensorsFile {
  const { header, dataStart } = parseHeader(bytes, file);
  const metadata = parseMetadata(header["__metadata__"], file);
  const entries = Object.entries(header).filter(([name]) => name !== "__metadata__").map(([name, value]) => parseEntry(name, value, file));
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  const dataLength = bytes.length - dataStart;
  let covered = 0;
  for (const { name, begin, end } of entries) {
    if (end > dataLength) throw bad(file, `tensor ${name} ends at byte ${end} of ${dataLength} bytes of data${truncationHint}`, { tensor: name });
    if (begin < covered) throw bad(file, `tensor ${name} overlaps the one before it: it begins at ${begin}, that one ends at ${covered}`, { tensor: name });
    if (begin > covered) throw bad(file, `there are ${begin - covered} bytes that belong to no tensor before ${name}`, { tensor: name });
    covered = end;
  }
  if (covered !== dataLength) throw bad(file, `there are ${dataLength - covered} bytes after the last tensor`);
  const tensors = new Map<string, SafeTensor>();
  for (const entry of entries) {
    // The copy aligns the elements. (`slice` would not copy what `fs.readFile` gives: a Buffer's is a view of it.)
    const { buffer } = new Uint8Array(bytes.subarray(dataStart + entry.begin, dataStart + entry.end));
    tensors.set(entry.name, makeTensor[entry.dtype](buffer, entry.shape));
  }
  return { tensors, metadata };
}

type Dtype = SafeTensor["dtype"];

const elementBytes: Readonly<Record<Dtype, number>> = { F32: 4, F64: 8, I32: 4, U32: 4, I64: 8, U8: 1 };

// Typed arrays have the machine's byte order; every machine that runs JavaScript engines today is little-endian, as the format is.
const makeTensor: { readonly [D in Dtype]: (buffer: ArrayBufferLike, shape: readonly number[]) => Extract<SafeTensor, { dtype: D }> } = {
  F32: (buffer, shape) => ({ dtype: "F32", shape, data: new Float32Array(buffer) }),
  F64: (buffer, shape) => ({ dtype: "F64", shape, data: new Float64Array(buffer) }),
  I32: (buffer, shape) => ({ dtype: "I32", shape, data: new Int32Array(buffer) }),
  U32: (buffer, shape) => ({ dtype: "U32", shape, data: new Uint32Array(buffer) }),
  I64: (buffer, shape) => ({ dtype: "I64", shape, data: new BigInt64Array(buffer) }),
  U8: (buffer, shape) => ({ dtype: "U8", shape, data: new Uint8Array(buffer) }),
};

interface Entry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

function parseHeader(bytes: Uint8Array, file: string): { header: Record<string, unknown>; dataStart: number } {
  if (bytes.length < 8) throw bad(file, `ends inside the length of its header (${bytes.length} bytes)`);
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(bytes.length - 8)) throw bad(file, `its header has ${length} bytes, the file only ${bytes.length - 8} more${truncationHint}`);
  if (length > BigInt(maxHeaderBytes)) throw bad(file, `its header has ${length} bytes; the limit is ${maxHeaderBytes}`);
  const dataStart = 8 + Number(length);
  let text: string;
  let header: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes.subarray(8, dataStart));
    header = JSON.parse(text);
  } catch (cause) {
    throw bad(file, `its header is not JSON: ${cause instanceof Error ? cause.message.slice(0, 120) : String(cause)}`, {}, cause);
  }
  if (!isRecord(header)) throw bad(file, "its header is not a JSON object");
  const repeated = findRepeatedKey(text);
  if (repeated !== undefined) throw bad(file, `its header names ${repeated} twice`, { tensor: repeated });
  return { header, dataStart };
}

function parseMetadata(value: unknown, file: string): Record<string, string> {
  if (value === undefined) return {};
  const entries = isRecord(value) ? Object.entries(value) : undefined;
  if (entries === undefined || !entries.every((entry): entry is [string, string] => typeof entry[1] === "string")) throw bad(file, "its __metadata__ is not a map from strings to strings");
  return Object.fromEntries(entries);
}

function parseEntry(name: string, value: unknown, file: string): Entry {
  if (!isRecord(value)) throw bad(file, `tensor ${name} is not described by an object`, { tensor: name });
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== "string" || !isDtype(dtype)) throw bad(file, `tensor ${name} has element type ${JSON.stringify(dtype)}; this reads ${Object.keys(elementBytes).join(", ")}`, { tensor: name });
  if (!isSizes(shape)) throw bad(file, `tensor ${name} has no list of sizes as its shape`, { tensor: name });
  if (!isSizes(offsets) || offsets.length !== 2 || offsets[0]! > offsets[1]!) throw bad(file, `tensor ${name} has no pair of offsets, begin before end`, { tensor: name });
  const [begin = 0, end = 0] = offsets;
  // In float64 the product of a lying shape may round or be infinite, never equal a small number by overflow.
  const needed = shape.includes(0) ? 0 : shape.reduce((product, size) => product * size, elementBytes[dtype]);
  if (needed !== end - begin) throw bad(file, `tensor ${name} of type ${dtype} and shape [${shape.join(", ")}] needs ${needed} bytes; its offsets give ${end - begin}`, { tensor: name });
  return { name, dtype, shape, begin, end };
}

/** A key that stands twice in one object of JSON text that has been parsed: JSON.parse would silently keep the last. */
function findRepeatedKey(text: string): string | undefined {
  const keys: Set<string>[] = [];
  const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?|[{}]/g;
  for (let match = tokens.exec(text); match !== null; match = tokens.exec(text)) {
    if (match[0] === "{") keys.push(new Set());
    else if (match[0] === "}") keys.pop();
    else if (match[1] !== undefined) {
      const key = JSON.parse(match[0].slice(0, match[0].length - match[1].length)) as string;
      const seen = keys.at(-1);
      if (seen?.has(key)) return key;
      seen?.add(key);
    }
  }
  return undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isDtype(text: string): text is Dtype {
  return Object.hasOwn(elementBytes, text);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && (size as number) >= 0);
}

function bad(file: string, what: string, facts: { readonly tensor?: string } = {}, cause?: unknown): LvmError {
  return new LvmError("LVM7030", `${file}: not a sound safetensors file: ${what}`, { facts: { file, ...facts }, cause });
}

const truncationHint = "; it may not have been copied to its end";
/** As in the reference implementation. */
const maxHeaderBytes = 100_000_000;
