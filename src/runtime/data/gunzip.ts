import { Gunzip } from "fflate";
import { LvmError } from "../error.js";
import { crc32 } from "./crc32.js";
import { maxDeflateRatio, printCount } from "./limits.js";

/**
 * Decompresses gzip data whose first bytes say how long the whole is, and stops one byte after that length: a file that expands
 * without end costs no more than what its own header declares.
 *
 * @param declaredLength the length of the decompressed data, from its first bytes; undefined while there are too few of them
 * @throws LvmError LVM7003 (truncated), LVM7004 (longer than declared), LVM7005 (corrupt)
 */
export function gunzipDeclared(bytes: Uint8Array, file: string, declaredLength: (head: Uint8Array) => number | undefined): Uint8Array {
  if (bytes.length < 18 || bytes[0] !== 0x1f || bytes[1] !== 0x8b) throw new LvmError("LVM7003", `${file}: not a whole gzip file (${printCount(bytes.length)} bytes)`, { facts: { file, bytes: bytes.length } });
  let head = new Uint8Array(0);
  let out: Uint8Array | undefined;
  let length = 0;
  let members = 1;
  const take = (chunk: Uint8Array): void => {
    if (out === undefined) {
      head = concat(head, chunk);
      const declared = declaredLength(head);
      if (declared === undefined) return;
      if (declared > bytes.length * maxDeflateRatio) {
        throw new LvmError("LVM7004", `${file}: its header declares ${printCount(declared)} bytes, more than ${printCount(bytes.length)} compressed bytes can hold`, { facts: { file, declared, compressed: bytes.length } });
      }
      out = new Uint8Array(declared);
      chunk = head;
    }
    if (length + chunk.length > out.length) {
      throw new LvmError("LVM7004", `${file}: holds more than the ${printCount(out.length)} bytes that its header declares`, { facts: { file, declared: out.length } });
    }
    out.set(chunk, length);
    length += chunk.length;
  };
  const stream = new Gunzip(take);
  // Called for each member after the first.
  stream.onmember = () => members++;
  try {
    // Small pieces keep what one of them can expand to small.
    for (let at = 0; at < bytes.length; at += pieceLength) stream.push(bytes.subarray(at, at + pieceLength), at + pieceLength >= bytes.length);
  } catch (cause) {
    if (cause instanceof LvmError) throw cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    if (/unexpected EOF/i.test(message)) throw truncated(file, length, out?.length, cause);
    throw new LvmError("LVM7005", `${file}: corrupt gzip data after ${printCount(length)} bytes: ${message}`, { facts: { file, offset: length }, cause });
  }
  if (out === undefined || length < out.length) throw truncated(file, length, out?.length);
  // A file of several members has a checksum for each; only the usual one is checked.
  if (members <= 1) checkTrailer(bytes, out, file);
  return out;
}

function truncated(file: string, length: number, declared: number | undefined, cause?: unknown): LvmError {
  const expected = declared === undefined ? "" : ` of the ${printCount(declared)} that its header declares`;
  return new LvmError("LVM7003", `${file}: ends too early: ${printCount(length)} bytes${expected}`, { facts: { file, found: length, ...(declared === undefined ? {} : { declared }) }, help: "fetch the file again: it was not copied to its end", cause });
}

function checkTrailer(bytes: Uint8Array, out: Uint8Array, file: string): void {
  const trailer = new DataView(bytes.buffer, bytes.byteOffset + bytes.length - 8, 8);
  if (trailer.getUint32(4, true) !== out.length % 4294967296 || trailer.getUint32(0, true) !== crc32(out)) {
    throw new LvmError("LVM7005", `${file}: corrupt gzip data: the checksum does not fit`, { facts: { file }, help: "fetch the file again" });
  }
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

const pieceLength = 65536;
