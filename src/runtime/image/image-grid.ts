/** Bytes, row after row, channels last. */
export interface ImageBytes {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3 | 4;
  readonly data: Uint8Array;
}

/**
 * Lays images side by side, a pixel between them, small ones enlarged twice.
 *
 * @param images count × height × width × channels, values clipped to 0 … 1; NaN is shown as 0
 * @param shape [height, width, channels]; with other than 1, 3 or 4 channels their mean is shown in grey
 */
export function imageGrid(images: Float32Array, count: number, shape: readonly [height: number, width: number, channels: number], columns: number): ImageBytes {
  const [height, width, depth] = shape;
  if (images.length < count * height * width * depth) throw new RangeError(`${count} images of ${shape.join(" × ")} need ${count * height * width * depth} values, not ${images.length}`);
  const channels = depth === 1 || depth === 3 || depth === 4 ? depth : 1;
  const zoom = Math.max(height, width) <= 64 ? 2 : 1;
  const across = Math.max(1, Math.min(columns, count));
  const down = Math.ceil(count / across);
  const gridWidth = across * (width * zoom + 1) - 1;
  const gridHeight = Math.max(0, down * (height * zoom + 1) - 1);
  const data = new Uint8Array(gridWidth * gridHeight * channels).fill(gapGrey);
  for (let image = 0; image < count; image++) {
    const left = (image % across) * (width * zoom + 1);
    const top = Math.floor(image / across) * (height * zoom + 1);
    for (let y = 0; y < height * zoom; y++) {
      for (let x = 0; x < width * zoom; x++) {
        const source = ((image * height + Math.floor(y / zoom)) * width + Math.floor(x / zoom)) * depth;
        const target = ((top + y) * gridWidth + left + x) * channels;
        for (let channel = 0; channel < channels; channel++) data[target + channel] = toByte(channels === depth ? images[source + channel]! : mean(images, source, depth));
      }
    }
  }
  return { width: gridWidth, height: gridHeight, channels, data };
}

function toByte(value: number): number {
  return value > 0 ? Math.round(255 * Math.min(1, value)) : 0;
}

function mean(values: Float32Array, start: number, length: number): number {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += values[start + i]!;
  return sum / length;
}

/** Neither black nor white, so that the grid shows on both. */
const gapGrey = 96;
