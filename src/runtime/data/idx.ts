import { LvmError } from "../error.js";
import type { HostColumn } from "./column.js";
import { gunzipDeclared } from "./gunzip.js";
import { defaultLimits, printCount, type ReadLimits } from "./limits.js";
import { toColumnValues, type NumberFormat } from "./numbers.js";

/**
 * Reads an IDX file (LeCun, Cortes & Burges, the MNIST page), gzipped or not: two zero bytes, the element type, the number of axes, the
 * sizes as big-endian 32-bit integers, the elements. The first axis counts rows.
 *
 * @throws LvmError LVM7002 not IDX, LVM7003 truncated, LVM7004 lying sizes, LVM7005 corrupt, LVM7006 too large
 */
export function readIdx(bytes: Uint8Array, file: string, name: string, limits: ReadLimits = defaultLimits): HostColumn {
  const gzipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const raw = gzipped ? gunzipDeclared(bytes, file, (head) => lengthOf(head, file, limits)) : bytes;
  const header = parseHeader(raw, file, limits);
  if (header === undefined) throw new LvmError("LVM7003", `${file}: ends inside its IDX header (${raw.length} bytes)`, { facts: { file, found: raw.length } });
  const declared = header.length;
  if (raw.length < declared) {
    throw new LvmError("LVM7003", `${file}: ends too early: ${printCount(raw.length)} bytes of the ${printCount(declared)} that its header [${header.sizes.join(", ")}] declares`, { facts: { file, found: raw.length, declared } });
  }
  if (raw.length > declared) {
    throw new LvmError("LVM7004", `${file}: has ${printCount(raw.length - declared)} bytes after the ${printCount(declared)} that its header [${header.sizes.join(", ")}] declares`, { facts: { file, found: raw.length, declared } });
  }
  const [rows = 0, ...shape] = header.sizes;
  const data = raw.subarray(header.offset);
  const values = toColumnValues(data, header.format, data.length / header.format.bytes, { file, elementsPerRow: rows === 0 ? 1 : data.length / header.format.bytes / rows });
  return { name, rows, shape, values, origin: file, missing: "none" };
}

const formats: Readonly<Record<number, NumberFormat>> = {
  0x08: { kind: "u", bytes: 1, littleEndian: false },
  0x09: { kind: "i", bytes: 1, littleEndian: false },
  0x0b: { kind: "i", bytes: 2, littleEndian: false },
  0x0c: { kind: "i", bytes: 4, littleEndian: false },
  0x0d: { kind: "f", bytes: 4, littleEndian: false },
  0x0e: { kind: "f", bytes: 8, littleEndian: false },
};

interface IdxHeader {
  readonly format: NumberFormat;
  readonly sizes: readonly number[];
  /** Where the elements begin. */
  readonly offset: number;
  /** Bytes of the whole file. */
  readonly length: number;
}

function lengthOf(head: Uint8Array, file: string, limits: ReadLimits): number | undefined {
  return parseHeader(head, file, limits)?.length;
}

/** The header, or undefined where there are too few bytes to tell. */
function parseHeader(bytes: Uint8Array, file: string, limits: ReadLimits): IdxHeader | undefined {
  if (bytes.length < 4) return undefined;
  const format = formats[bytes[2]!];
  const axes = bytes[3]!;
  if (bytes[0] !== 0 || bytes[1] !== 0 || format === undefined || axes === 0) {
    const found = [...bytes.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    throw new LvmError("LVM7002", `${file}: not an IDX file: it begins with ${found}, where 00 00, an element type (08, 09, 0b, 0c, 0d, 0e) and a number of axes belong`, { facts: { file, found } });
  }
  if (axes > limits.axes) throw new LvmError("LVM7006", `${file}: ${axes} axes; the limit is ${limits.axes}`, { facts: { file, axes } });
  const offset = 4 + 4 * axes;
  if (bytes.length < offset) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, offset);
  const sizes = Array.from({ length: axes }, (_, axis) => view.getUint32(4 + 4 * axis));
  // Sixteen axes of 2^32 overflow nothing in float64, and whatever passes the limit below is exact.
  const length = offset + sizes.reduce((product, size) => product * size, format.bytes);
  if (length > limits.bytes) {
    throw new LvmError("LVM7006", `${file}: its header [${sizes.join(", ")}] declares ${printCount(length)} bytes; the limit is ${printCount(limits.bytes)}`, { facts: { file, declared: length, limit: limits.bytes } });
  }
  return { format, sizes, offset, length };
}
