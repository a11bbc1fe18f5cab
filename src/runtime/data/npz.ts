import { Inflate } from "fflate";
import { LvmError } from "../error.js";
import type { HostColumn } from "./column.js";
import { crc32 } from "./crc32.js";
import { defaultLimits, maxDeflateRatio, printCount, type ReadLimits } from "./limits.js";
import { readNpy } from "./npy.js";

/**
 * Reads the arrays of an NPZ file (a zip of NPY files), each a column named after its member; `member` reads one alone.
 * The directory is checked before anything is inflated, and inflating stops at the size that the directory states.
 *
 * @throws LvmError LVM7002 … LVM7008, LVM7010 where the member is not there
 */
export function readNpz(bytes: Uint8Array, file: string, member?: string, limits: ReadLimits = defaultLimits): HostColumn[] {
  const entries = readDirectory(bytes, file).filter((entry) => entry.name.endsWith(".npy"));
  const names = entries.map((entry) => entry.name.slice(0, -4));
  if (names.length === 0) throw new LvmError("LVM7002", `${file}: a zip file without a .npy array in it`, { facts: { file } });
  const repeated = names.find((name, i) => names.indexOf(name) !== i);
  if (repeated !== undefined) throw new LvmError("LVM7005", `${file}: two arrays are named ${repeated}`, { facts: { file, member: repeated } });
  if (member !== undefined && !names.includes(member)) throw new LvmError("LVM7010", `${file}: has no array ${member}; it has ${names.join(", ")}`, { facts: { file, member, available: names } });
  const wanted = entries.filter((_, i) => member === undefined || names[i] === member);
  const total = wanted.reduce((sum, entry) => sum + entry.size, 0);
  if (total > limits.bytes) throw new LvmError("LVM7006", `${file}: declares ${printCount(total)} bytes; the limit is ${printCount(limits.bytes)}`, { facts: { file, declared: total, limit: limits.bytes } });
  return wanted.map((entry) => readNpy(inflateEntry(bytes, entry, file), `${file}:${entry.name.slice(0, -4)}`, entry.name.slice(0, -4), limits));
}

interface ZipEntry {
  readonly name: string;
  readonly method: number;
  readonly crc: number;
  readonly compressed: number;
  readonly size: number;
  /** Where the local header begins. */
  readonly offset: number;
}

/** The central directory (PKWARE's APPNOTE, 4.3.12), zip64 sizes included: numpy writes those for streamed members. */
function readDirectory(bytes: Uint8Array, file: string): ZipEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const corrupt = (what: string): LvmError => new LvmError("LVM7005", `${file}: corrupt zip file: ${what}`, { facts: { file } });
  if (bytes.length < 4 || bytes[0] !== 0x50 || bytes[1] !== 0x4b) throw new LvmError("LVM7002", `${file}: not a zip file, so not NPZ`, { facts: { file } });
  let end = bytes.length - 22;
  const lowest = Math.max(0, end - 65535);
  while (end >= lowest && view.getUint32(end, true) !== 0x06054b50) end--;
  if (end < lowest) throw new LvmError("LVM7003", `${file}: ends too early: a zip file without its directory`, { facts: { file, found: bytes.length }, help: "fetch the file again: it was not copied to its end" });
  let count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  if ((count === 0xffff || at === 0xffffffff) && end >= 20 && view.getUint32(end - 20, true) === 0x07064b50) {
    const record = Number(view.getBigUint64(end - 12, true));
    if (record + 56 > bytes.length || view.getUint32(record, true) !== 0x06064b50) throw corrupt("its zip64 directory is out of range");
    count = Number(view.getBigUint64(record + 32, true));
    at = Number(view.getBigUint64(record + 48, true));
  }
  const entries: ZipEntry[] = [];
  for (let i = 0; i < count; i++) {
    if (at + 46 > bytes.length || view.getUint32(at, true) !== 0x02014b50) throw corrupt(`entry ${i} of ${count} of its directory is out of range`);
    const nameLength = view.getUint16(at + 28, true);
    const extraLength = view.getUint16(at + 30, true);
    const next = at + 46 + nameLength + extraLength + view.getUint16(at + 32, true);
    if (next > bytes.length) throw corrupt(`entry ${i} of ${count} of its directory is out of range`);
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength));
    if (view.getUint16(at + 8, true) & 1) throw new LvmError("LVM7008", `${file}: ${name} is encrypted`, { facts: { file, member: name } });
    let size = view.getUint32(at + 24, true);
    let compressed = view.getUint32(at + 20, true);
    let offset = view.getUint32(at + 42, true);
    const extraEnd = at + 46 + nameLength + extraLength;
    for (let extra = at + 46 + nameLength; extra + 4 <= extraEnd; extra += 4 + view.getUint16(extra + 2, true)) {
      if (view.getUint16(extra, true) !== 1) continue;
      const last = Math.min(extraEnd, extra + 4 + view.getUint16(extra + 2, true));
      let field = extra + 4;
      const long = (short: number): number => {
        if (short !== 0xffffffff || field + 8 > last) return short;
        field += 8;
        return Number(view.getBigUint64(field - 8, true));
      };
      size = long(size);
      compressed = long(compressed);
      offset = long(offset);
    }
    entries.push({ name, method: view.getUint16(at + 10, true), crc: view.getUint32(at + 16, true), compressed, size, offset });
    at = next;
  }
  return entries;
}

function inflateEntry(bytes: Uint8Array, entry: ZipEntry, file: string): Uint8Array {
  const place = `${file}:${entry.name}`;
  const facts = { file, member: entry.name };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (entry.offset + 30 > bytes.length || view.getUint32(entry.offset, true) !== 0x04034b50) throw new LvmError("LVM7005", `${place}: corrupt zip file: the member is not where the directory says`, { facts });
  const begin = entry.offset + 30 + view.getUint16(entry.offset + 26, true) + view.getUint16(entry.offset + 28, true);
  if (begin + entry.compressed > bytes.length) throw new LvmError("LVM7003", `${place}: ends too early: the member reaches past the end of the file`, { facts });
  const data = bytes.subarray(begin, begin + entry.compressed);
  if (entry.method !== 0 && entry.method !== 8) throw new LvmError("LVM7008", `${place}: compressed by method ${entry.method}; only stored and deflated members can be read`, { facts });
  if (entry.method === 0 ? entry.size !== entry.compressed : entry.size > entry.compressed * maxDeflateRatio) {
    throw new LvmError("LVM7004", `${place}: the directory declares ${printCount(entry.size)} bytes, which ${printCount(entry.compressed)} stored bytes cannot hold`, { facts });
  }
  const out = entry.method === 0 ? data : inflateExactly(data, entry.size, place);
  if (crc32(out) !== entry.crc) throw new LvmError("LVM7005", `${place}: corrupt: the checksum does not fit`, { facts, help: "fetch the file again" });
  return out;
}

/** Raw deflate data to exactly `size` bytes. @throws LvmError LVM7003, LVM7004, LVM7005 */
function inflateExactly(data: Uint8Array, size: number, place: string): Uint8Array {
  const out = new Uint8Array(size);
  let length = 0;
  const stream = new Inflate((chunk) => {
    if (length + chunk.length > size) throw new LvmError("LVM7004", `${place}: holds more than the ${printCount(size)} bytes that the directory declares`, { facts: { file: place, declared: size } });
    out.set(chunk, length);
    length += chunk.length;
  });
  try {
    for (let at = 0; at === 0 || at < data.length; at += 65536) stream.push(data.subarray(at, at + 65536), at + 65536 >= data.length);
  } catch (cause) {
    if (cause instanceof LvmError) throw cause;
    throw new LvmError("LVM7005", `${place}: corrupt compressed data after ${printCount(length)} bytes: ${cause instanceof Error ? cause.message : String(cause)}`, { facts: { file: place, offset: length }, cause });
  }
  if (length < size) throw new LvmError("LVM7003", `${place}: ends too early: ${printCount(length)} bytes of the ${printCount(size)} that the directory declares`, { facts: { file: place, found: length, declared: size } });
  return out;
}
