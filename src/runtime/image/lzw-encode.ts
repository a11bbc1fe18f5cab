/**
 * The image data of a GIF: the least code size, then Welch's LZW codes of growing width, low bits first, in blocks of at most 255 bytes, ended by an
 * empty block (GIF89a, appendix F).
 *
 * @param pixels indices below 2^bits
 * @param bits 2 to 8
 */
export function lzwEncode(pixels: Uint8Array, bits: number): Uint8Array {
  const clear = 2 ** bits;
  const end = clear + 1;
  const codes = createBlocks(bits);
  // Which code stands for a known text and one pixel more; 0 (a single pixel's code) for none.
  const longer = new Uint16Array(4096 * clear);
  let next = end + 1;
  let width = bits + 1;
  codes.write(clear, width);
  let text = -1;
  for (const pixel of pixels) {
    if (text < 0) {
      text = pixel;
      continue;
    }
    const known = longer[text * clear + pixel]!;
    if (known !== 0) {
      text = known;
      continue;
    }
    codes.write(text, width);
    if (next === 4096) {
      codes.write(clear, width);
      longer.fill(0);
      next = end + 1;
      width = bits + 1;
    } else {
      // A reader learns this code one code later, and widens at the same place.
      if (next === 2 ** width) width++;
      longer[text * clear + pixel] = next++;
    }
    text = pixel;
  }
  if (text >= 0) codes.write(text, width);
  // Reading the last code taught the reader one more, which can widen what follows.
  if (text >= 0 && next === 2 ** width && width < 12) width++;
  codes.write(end, width);
  return codes.finish();
}

/** Codes as bytes in blocks, each led by its length. */
function createBlocks(bits: number): { write(code: number, width: number): void; finish(): Uint8Array } {
  let out = new Uint8Array(1024);
  let length = 2;
  let block = 1;
  let held = 0;
  let heldBits = 0;
  out[0] = bits;
  const push = (byte: number): void => {
    if (length + 2 > out.length) {
      const grown = new Uint8Array(2 * out.length);
      grown.set(out);
      out = grown;
    }
    out[length++] = byte;
    if (length - block - 1 === 255) {
      out[block] = 255;
      block = length++;
    }
  };
  return {
    write(code, width) {
      held |= code << heldBits;
      heldBits += width;
      for (; heldBits >= 8; heldBits -= 8) {
        push(held & 255);
        held >>>= 8;
      }
    },
    finish() {
      if (heldBits > 0) push(held & 255);
      out[block] = length - block - 1;
      // An empty last block is the end itself.
      if (out[block] !== 0) out[length++] = 0;
      return out.slice(0, length);
    },
  };
}
