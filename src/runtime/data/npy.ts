import { LvmError } from "../error.js";
import { elementCount, type HostColumn } from "./column.js";
import { defaultLimits, printCount, type ReadLimits } from "./limits.js";
import { toColumnValues, type NumberFormat } from "./numbers.js";

/**
 * Reads a NumPy array file, versions 1 to 3 (numpy.lib.format), either byte order, C or Fortran layout. The first axis counts rows.
 * Object arrays are refused: they hold pickled programs.
 *
 * @throws LvmError LVM7002 not NPY, LVM7003 truncated, LVM7004 lying sizes, LVM7006 too large, LVM7007 number out of range, LVM7008 element type
 */
export function readNpy(bytes: Uint8Array, file: string, name: string, limits: ReadLimits = defaultLimits): HostColumn {
  const header = parseHeader(bytes, file, limits);
  const { format, shape, offset } = header;
  const count = elementCount(shape);
  const declared = count * format.bytes;
  const found = bytes.length - offset;
  if (found < declared) {
    throw new LvmError("LVM7003", `${file}: ends too early: ${printCount(found)} bytes of data, and the shape [${shape.join(", ")}] of ${header.descriptor} needs ${printCount(declared)}`, { facts: { file, found, declared } });
  }
  if (found > declared) {
    throw new LvmError("LVM7004", `${file}: has ${printCount(found - declared)} bytes after the array of shape [${shape.join(", ")}]`, { facts: { file, found, declared } });
  }
  // A 0-d array is one row.
  const rows = shape.length === 0 ? 1 : shape[0]!;
  const values = toColumnValues(bytes.subarray(offset), format, count, { file, elementsPerRow: Math.max(1, count / Math.max(1, rows)) });
  return { name, rows, shape: shape.slice(1), values: header.fortran && shape.length > 1 ? toRowMajor(values, shape) : values, origin: file, missing: "none" };
}

interface NpyHeader {
  readonly descriptor: string;
  readonly format: NumberFormat;
  readonly fortran: boolean;
  readonly shape: readonly number[];
  readonly offset: number;
}

function parseHeader(bytes: Uint8Array, file: string, limits: ReadLimits): NpyHeader {
  const bad = (what: string): LvmError => new LvmError("LVM7002", `${file}: not an NPY file: ${what}`, { facts: { file } });
  if (bytes.length < 10) throw new LvmError("LVM7003", `${file}: ends inside its NPY header (${bytes.length} bytes)`, { facts: { file, found: bytes.length } });
  if (String.fromCharCode(...bytes.subarray(0, 6)) !== "\x93NUMPY") throw bad("it does not begin with \\x93NUMPY");
  const version = bytes[6]!;
  if (version < 1 || version > 3) throw bad(`format version ${version}; this reads 1 to 3`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const begin = version === 1 ? 10 : 12;
  const length = version === 1 ? view.getUint16(8, true) : bytes.length < 12 ? Infinity : view.getUint32(8, true);
  const offset = begin + length;
  if (offset > bytes.length) throw new LvmError("LVM7003", `${file}: ends inside its NPY header (${bytes.length} bytes, the header ends at ${offset})`, { facts: { file, found: bytes.length } });
  if (length > 65536) throw bad(`its header has ${printCount(length)} bytes`);
  const text = new TextDecoder("utf-8").decode(bytes.subarray(begin, offset));
  // The header is a Python dictionary that numpy prints in one way: keys in single quotes, sorted.
  const descriptor = /['"]descr['"]\s*:\s*(?:'([^']*)'|"([^"]*)"|(\[))/.exec(text);
  const order = /['"]fortran_order['"]\s*:\s*(True|False)/.exec(text);
  const sizes = /['"]shape['"]\s*:\s*\(([^()]*)\)/.exec(text);
  if (descriptor === null || order === null || sizes === null) throw bad("its header lacks descr, fortran_order or shape");
  if (descriptor[3] !== undefined) throw new LvmError("LVM7008", `${file}: a structured array; only arrays of numbers can be read`, { facts: { file }, help: "save each field as an array of its own: np.savez(file, x=a['x'], y=a['y'])" });
  const type = descriptor[1] ?? descriptor[2] ?? "";
  const parts = sizes[1]!.split(",").map((part) => part.trim());
  if (parts.at(-1) === "") parts.pop();
  const shape = parts.map((part) => {
    if (!/^\d{1,16}L?$/.test(part)) throw bad(`its shape (${sizes[1]}) is not a list of sizes`);
    return Number.parseInt(part, 10);
  });
  if (shape.length > limits.axes) throw new LvmError("LVM7006", `${file}: ${shape.length} axes; the limit is ${limits.axes}`, { facts: { file, axes: shape.length } });
  const format = parseType(type, file);
  const declared = elementCount(shape) * format.bytes;
  // A size of 0 beside others declares nothing, and 0 · huge would hide the huge one.
  const largest = shape.filter((size) => size > 0).reduce((product, size) => product * size, format.bytes);
  if (Math.max(declared, largest) > limits.bytes) {
    throw new LvmError("LVM7006", `${file}: the shape [${shape.join(", ")}] of ${type} declares ${printCount(largest)} bytes; the limit is ${printCount(limits.bytes)}`, { facts: { file, declared: largest, limit: limits.bytes } });
  }
  return { descriptor: type, format, fortran: order[1] === "True", shape, offset };
}

function parseType(type: string, file: string): NumberFormat {
  const match = /^([<>|=]?)([fiub])([1248])$/.exec(type);
  const kind = match?.[2] as NumberFormat["kind"] | undefined;
  const bytes = Number(match?.[3]) as NumberFormat["bytes"];
  if (match === null || kind === undefined || (kind === "f" && bytes === 1) || (kind === "b" && bytes !== 1)) {
    const what = /O/.test(type) ? "an object array (dtype=object), which holds pickled Python objects" : `elements of type ${type}`;
    throw new LvmError("LVM7008", `${file}: ${what}; only numbers can be read (f2 f4 f8, i1 i2 i4 i8, u1 u2 u4 u8, b1)`, { facts: { file, type }, help: "convert it first: np.save(file, np.asarray(a, dtype=np.float32))" });
  }
  return { kind, bytes, littleEndian: match[1] !== ">" };
}

/** From the layout in which the first axis runs fastest to the one in which the last does. */
function toRowMajor<A extends Float32Array | Int32Array | Uint8Array>(values: A, shape: readonly number[]): A {
  const out = values.slice() as A;
  const index = new Array<number>(shape.length).fill(0);
  const strides = shape.map((_, axis) => elementCount(shape.slice(0, axis)));
  let source = 0;
  for (let target = 0; target < values.length; target++) {
    out[target] = values[source]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      source += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      source -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return out;
}
