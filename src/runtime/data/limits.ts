/** What a reader allows a file to claim. Compressed data can claim anything; these are stated in the message when they are passed. */
export interface ReadLimits {
  /** Bytes of one array once decompressed. */
  readonly bytes: number;
  /** Pixels of one image. */
  readonly pixels: number;
  /** Axes of one array. */
  readonly axes: number;
}

export const defaultLimits: ReadLimits = { bytes: 4 * 1024 ** 3, pixels: 2 ** 26, axes: 16 };

/** Deflate cannot expand by more than this (258 bytes for 2 bits): what claims more is lying. */
export const maxDeflateRatio = 1032;

/** `47,040,016`. */
export function printCount(n: number): string {
  return n.toLocaleString("en-US");
}
