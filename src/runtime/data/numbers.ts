import { LvmError } from "../error.js";
import { printCount } from "./limits.js";

/** How a file stores a number: kind (float, signed, unsigned, truth value), bytes, byte order. */
export interface NumberFormat {
  readonly kind: "f" | "i" | "u" | "b";
  readonly bytes: 1 | 2 | 4 | 8;
  readonly littleEndian: boolean;
}

export interface NumberPlace {
  readonly file: string;
  readonly elementsPerRow: number;
}

/**
 * Reads `count` numbers: bytes stay bytes, integers and truth values become int32, floats become float32.
 * @throws LvmError LVM7007 for an integer outside int32, or a finite float64 outside float32
 */
export function toColumnValues(data: Uint8Array, format: NumberFormat, count: number, place: NumberPlace): Float32Array | Int32Array | Uint8Array {
  if (format.kind === "u" && format.bytes === 1) return new Uint8Array(data.subarray(0, count));
  const view = new DataView(data.buffer, data.byteOffset, count * format.bytes);
  const little = format.littleEndian;
  if (format.kind === "f") {
    const out = new Float32Array(count);
    if (format.bytes === 4) for (let i = 0; i < count; i++) out[i] = view.getFloat32(4 * i, little);
    else if (format.bytes === 2) for (let i = 0; i < count; i++) out[i] = halfToNumber(view.getUint16(2 * i, little));
    else {
      for (let i = 0; i < count; i++) {
        const value = view.getFloat64(8 * i, little);
        out[i] = value;
        if (Number.isFinite(value) && !Number.isFinite(out[i]!)) throw outside(value, i, "float32", place);
      }
    }
    return out;
  }
  const out = new Int32Array(count);
  if (format.kind === "b") for (let i = 0; i < count; i++) out[i] = view.getUint8(i) === 0 ? 0 : 1;
  else if (format.bytes === 1) for (let i = 0; i < count; i++) out[i] = view.getInt8(i);
  else if (format.bytes === 2) for (let i = 0; i < count; i++) out[i] = format.kind === "i" ? view.getInt16(2 * i, little) : view.getUint16(2 * i, little);
  else if (format.bytes === 4) {
    for (let i = 0; i < count; i++) {
      out[i] = view.getInt32(4 * i, little);
      if (format.kind === "u" && out[i]! < 0) throw outside(view.getUint32(4 * i, little), i, "32 bits", place);
    }
  } else {
    for (let i = 0; i < count; i++) {
      const low = view.getInt32(8 * i + (little ? 0 : 4), little);
      const high = view.getInt32(8 * i + (little ? 4 : 0), little);
      // In int32 exactly where the high word is the low one's sign; for unsigned the sign must be plus as well.
      if (high !== low >> 31 || (format.kind === "u" && high !== 0)) throw outside(format.kind === "i" ? view.getBigInt64(8 * i, little) : view.getBigUint64(8 * i, little), i, "32 bits", place);
      out[i] = low;
    }
  }
  return out;
}

/** IEEE 754 binary16. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

function outside(value: number | bigint, element: number, target: string, place: NumberPlace): LvmError {
  const row = Math.floor(element / place.elementsPerRow);
  return new LvmError("LVM7007", `${place.file}: row ${printCount(row)} holds ${value}, which does not fit into ${target}`, { facts: { file: place.file, row, value: String(value) } });
}
