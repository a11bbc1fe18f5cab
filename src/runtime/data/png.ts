import { Unzlib } from "fflate";
import { LvmError } from "../error.js";
import { crc32 } from "./crc32.js";
import { defaultLimits, maxDeflateRatio, printCount, type ReadLimits } from "./limits.js";
import { samplesOf, scanlineBytes, type PngHeader } from "./png-scanlines.js";

/** Pixels row after row, channels last. Bit depths up to 8 give bytes (stretched to 0 … 255), 16 gives float32 from 0 to 1. */
export interface PngImage {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly values: Uint8Array | Float32Array;
}

/**
 * Decodes a PNG (W3C, third edition): grey, grey with alpha, RGB, RGBA, palette (as RGB); 1 to 16 bits; interlaced or not. Transparency
 * chunks, colour profiles and gamma are ignored. Structure, checksums and sizes are checked before anything is inflated.
 *
 * @throws LvmError LVM7011 with the offset, LVM7003 truncated, LVM7006 too large
 */
export function decodePng(bytes: Uint8Array, file: string, limits: ReadLimits = defaultLimits): PngImage {
  const { header, chunks } = readChunks(bytes, file, limits);
  const { width, height } = header;
  const channels = channelsOf[header.color]!;
  const parts = chunks.filter((chunk) => chunk.type === "IDAT").map((chunk) => chunk.data);
  const lines = inflateLines(parts, scanlineBytes(header, channels), file);
  const samples = samplesOf(lines, header, channels);
  if (samples === undefined) throw badPng(file, "corrupt image data: a line with an unknown filter");
  if (header.color === 3) return { width, height, channels: 3, values: lookUp(samples, chunks.find((chunk) => chunk.type === "PLTE")!.data, file) };
  if (header.bits === 16) return { width, height, channels, values: Float32Array.from(samples, (sample) => sample / 65535) };
  const stretch = 255 / (2 ** header.bits - 1);
  return { width, height, channels, values: Uint8Array.from(samples, (sample) => sample * stretch) };
}

interface Chunk {
  readonly type: string;
  readonly data: Uint8Array;
}

const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** Bit depths that each colour type allows (W3C PNG, table 11.1). */
const depths: Readonly<Record<number, readonly number[]>> = { 0: [1, 2, 4, 8, 16], 2: [8, 16], 3: [1, 2, 4, 8], 4: [8, 16], 6: [8, 16] };
const channelsOf: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
/** What decides the pixels; the rest (text, profiles, compressed or not) is passed over. */
const kept = new Set(["IHDR", "PLTE", "IDAT", "IEND"]);

function readChunks(bytes: Uint8Array, file: string, limits: ReadLimits): { header: PngHeader; chunks: Chunk[] } {
  for (let i = 0; i < 8; i++) if (bytes[i] !== signature[i]) throw badPng(file, bytes.length < 8 ? "ends inside the signature" : "it does not begin with the PNG signature", i);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const chunks: Chunk[] = [];
  let header: PngHeader | undefined;
  let ended = false;
  for (let at = 8; !ended; ) {
    if (at + 12 > bytes.length) throw truncated(file, bytes.length);
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (!/^[A-Za-z]{4}$/.test(type)) throw badPng(file, "what stands here is not a chunk", at);
    if (at + 12 + length > bytes.length) throw truncated(file, bytes.length);
    if (crc32(bytes, at + 4, at + 8 + length) !== view.getUint32(at + 8 + length)) throw badPng(file, `the checksum of chunk ${type} does not fit`, at);
    if (header === undefined) {
      if (type !== "IHDR" || length !== 13) throw badPng(file, `begins with chunk ${type}, not with a header`, at);
      header = parseHeader(view, at + 8, file, limits);
    } else if (type === "IHDR") throw badPng(file, "a second header", at);
    if (type === "PLTE" && (length === 0 || length > 768 || length % 3 !== 0)) throw badPng(file, `a palette of ${length} bytes`, at);
    if (/^[A-Z]/.test(type) && !kept.has(type)) throw badPng(file, `unknown critical chunk ${type}`, at);
    if (kept.has(type)) chunks.push({ type, data: bytes.subarray(at + 8, at + 8 + length) });
    ended = type === "IEND";
    at += 12 + length;
  }
  if (header === undefined || !chunks.some((chunk) => chunk.type === "IDAT")) throw badPng(file, "has no image data");
  if (header.color === 3 && !chunks.some((chunk) => chunk.type === "PLTE")) throw badPng(file, "has palette colours and no palette");
  return { header, chunks };
}

function parseHeader(view: DataView, at: number, file: string, limits: ReadLimits): PngHeader {
  const width = view.getUint32(at);
  const height = view.getUint32(at + 4);
  const bits = view.getUint8(at + 8);
  const color = view.getUint8(at + 9);
  const interlace = view.getUint8(at + 12);
  if (width === 0 || height === 0) throw badPng(file, `is ${width} × ${height} pixels`, at);
  if (width * height > limits.pixels) throw new LvmError("LVM7006", `${file}: declares ${printCount(width)} × ${printCount(height)} pixels; the limit is ${printCount(limits.pixels)}`, { facts: { file, width, height, limit: limits.pixels } });
  if (depths[color]?.includes(bits) !== true) throw badPng(file, `colour type ${color} with ${bits} bits does not exist`, at + 8);
  if (view.getUint8(at + 10) !== 0 || view.getUint8(at + 11) !== 0 || interlace > 1) throw badPng(file, "unknown compression, filter or interlace method", at + 10);
  return { width, height, bits, color, interlaced: interlace === 1 };
}

/** Inflates the image data to exactly the bytes that the header needs. */
function inflateLines(parts: readonly Uint8Array[], expected: number, file: string): Uint8Array {
  const compressed = parts.reduce((sum, part) => sum + part.length, 0);
  if (expected > compressed * maxDeflateRatio) throw badPng(file, `its header needs ${printCount(expected)} bytes, which ${printCount(compressed)} compressed bytes cannot hold`);
  const out = new Uint8Array(expected);
  let length = 0;
  const stream = new Unzlib((chunk) => {
    if (length + chunk.length > expected) throw badPng(file, `holds more image data than the ${printCount(expected)} bytes of its header`);
    out.set(chunk, length);
    length += chunk.length;
  });
  try {
    // One zlib stream runs on from chunk to chunk.
    const joined = parts.length === 1 ? parts[0]! : join(parts, compressed);
    for (let at = 0; at < joined.length; at += 65536) stream.push(joined.subarray(at, at + 65536), at + 65536 >= joined.length);
  } catch (cause) {
    if (cause instanceof LvmError) throw cause;
    throw badPng(file, `corrupt image data after ${printCount(length)} bytes: ${cause instanceof Error ? cause.message : String(cause)}`, undefined, cause);
  }
  if (length < expected) throw badPng(file, `holds ${printCount(length)} bytes of image data of the ${printCount(expected)} of its header`);
  return out;
}

function join(parts: readonly Uint8Array[], length: number): Uint8Array {
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function lookUp(indices: Uint8Array | Uint16Array, palette: Uint8Array, file: string): Uint8Array {
  const out = new Uint8Array(3 * indices.length);
  for (let i = 0; i < indices.length; i++) {
    const at = 3 * indices[i]!;
    if (at >= palette.length) throw badPng(file, `pixel ${i} has colour ${indices[i]} of a palette of ${palette.length / 3}`);
    out.set(palette.subarray(at, at + 3), 3 * i);
  }
  return out;
}

function badPng(file: string, what: string, offset?: number, cause?: unknown): LvmError {
  const place = offset === undefined ? "" : ` at byte ${offset}`;
  return new LvmError("LVM7011", `${file}: not a sound PNG${place}: ${what}`, { facts: { file, ...(offset === undefined ? {} : { offset }) }, cause });
}

function truncated(file: string, length: number): LvmError {
  return new LvmError("LVM7003", `${file}: ends too early: a PNG of ${printCount(length)} bytes without its end chunk`, { facts: { file, found: length } });
}
