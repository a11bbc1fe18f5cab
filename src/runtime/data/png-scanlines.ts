/** What a PNG header says. */
export interface PngHeader {
  readonly width: number;
  readonly height: number;
  readonly bits: number;
  readonly color: number;
  readonly interlaced: boolean;
}

interface Pass {
  readonly x: number;
  readonly y: number;
  readonly dx: number;
  readonly dy: number;
}

/** The seven reduced images of Adam7 (W3C PNG, section 8.2), or the one whole image. */
const adam7: readonly Pass[] = [[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]].map(([x = 0, y = 0, dx = 1, dy = 1]) => ({ x, y, dx, dy }));
const whole: readonly Pass[] = [{ x: 0, y: 0, dx: 1, dy: 1 }];

function passSize(pass: Pass, header: PngHeader): { readonly columns: number; readonly rows: number } {
  return { columns: Math.ceil((header.width - pass.x) / pass.dx), rows: Math.ceil((header.height - pass.y) / pass.dy) };
}

/** Bytes that the image data must inflate to: each line has a filter byte before it and begins at a byte. */
export function scanlineBytes(header: PngHeader, channels: number): number {
  return (header.interlaced ? adam7 : whole).reduce((sum, pass) => {
    const { columns, rows } = passSize(pass, header);
    return columns <= 0 || rows <= 0 ? sum : sum + rows * (1 + Math.ceil((columns * channels * header.bits) / 8));
  }, 0);
}

/**
 * Undoes the line filters (in place) and the interlacing: one sample an element, height × width × channels.
 * @returns undefined where a line names a filter that does not exist
 */
export function samplesOf(lines: Uint8Array, header: PngHeader, channels: number): Uint8Array | Uint16Array | undefined {
  const { width, height, bits } = header;
  const out = bits === 16 ? new Uint16Array(width * height * channels) : new Uint8Array(width * height * channels);
  const pixelBytes = Math.max(1, (channels * bits) / 8);
  const mask = 2 ** Math.min(bits, 8) - 1;
  let at = 0;
  for (const pass of header.interlaced ? adam7 : whole) {
    const { columns, rows } = passSize(pass, header);
    if (columns <= 0 || rows <= 0) continue;
    const lineBytes = Math.ceil((columns * channels * bits) / 8);
    let previous: Uint8Array = new Uint8Array(lineBytes);
    for (let row = 0; row < rows; row++) {
      const line = lines.subarray(at + 1, at + 1 + lineBytes);
      if (!unfilter(lines[at]!, line, previous, pixelBytes)) return undefined;
      at += 1 + lineBytes;
      previous = line;
      const target = (pass.y + row * pass.dy) * width;
      for (let column = 0, sample = 0; column < columns; column++) {
        const pixel = (target + pass.x + column * pass.dx) * channels;
        for (let channel = 0; channel < channels; channel++, sample++) {
          if (bits === 8) out[pixel + channel] = line[sample]!;
          else if (bits === 16) out[pixel + channel] = line[2 * sample]! * 256 + line[2 * sample + 1]!;
          else out[pixel + channel] = (line[(sample * bits) >> 3]! >> (8 - bits - ((sample * bits) & 7))) & mask;
        }
      }
    }
  }
  return out;
}

/** W3C PNG, section 9: none, sub, up, average, Paeth. */
function unfilter(filter: number, line: Uint8Array, previous: Uint8Array, pixelBytes: number): boolean {
  switch (filter) {
    case 0:
      return true;
    case 1:
      for (let i = pixelBytes; i < line.length; i++) line[i] = line[i]! + line[i - pixelBytes]!;
      return true;
    case 2:
      for (let i = 0; i < line.length; i++) line[i] = line[i]! + previous[i]!;
      return true;
    case 3:
      for (let i = 0; i < line.length; i++) line[i] = line[i]! + (((i < pixelBytes ? 0 : line[i - pixelBytes]!) + previous[i]!) >> 1);
      return true;
    case 4:
      for (let i = 0; i < line.length; i++) {
        const left = i < pixelBytes ? 0 : line[i - pixelBytes]!;
        const above = previous[i]!;
        const corner = i < pixelBytes ? 0 : previous[i - pixelBytes]!;
        const estimate = left + above - corner;
        const fromLeft = Math.abs(estimate - left);
        const fromAbove = Math.abs(estimate - above);
        const fromCorner = Math.abs(estimate - corner);
        line[i] = line[i]! + (fromLeft <= fromAbove && fromLeft <= fromCorner ? left : fromAbove <= fromCorner ? above : corner);
      }
      return true;
    default:
      return false;
  }
}
