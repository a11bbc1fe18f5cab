/** Files made by hand from the formats' descriptions, not by the code under test. */

export function idx(type: number, sizes: readonly number[], data: Uint8Array | readonly number[]): Uint8Array {
  const out = new Uint8Array(4 + 4 * sizes.length + data.length);
  out.set([0, 0, type, sizes.length]);
  const view = new DataView(out.buffer);
  sizes.forEach((size, axis) => view.setUint32(4 + 4 * axis, size));
  out.set(data, 4 + 4 * sizes.length);
  return out;
}

export function npy(descriptor: string, shape: string, data: Uint8Array, options: { readonly fortran?: boolean; readonly version?: 1 | 2 | 3; readonly header?: string } = {}): Uint8Array {
  const version = options.version ?? 1;
  const text = options.header ?? `{'descr': ${descriptor.startsWith("[") ? descriptor : `'${descriptor}'`}, 'fortran_order': ${options.fortran === true ? "True" : "False"}, 'shape': ${shape}, }`;
  const begin = version === 1 ? 10 : 12;
  const header = new TextEncoder().encode(`${text.padEnd(Math.ceil((begin + text.length + 1) / 64) * 64 - begin - 1)}\n`);
  const out = new Uint8Array(begin + header.length + data.length);
  out.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0]);
  const view = new DataView(out.buffer);
  if (version === 1) view.setUint16(8, header.length, true);
  else view.setUint32(8, header.length, true);
  out.set(header, begin);
  out.set(data, begin + header.length);
  return out;
}

/** Numbers in a byte order of choice. */
export function packed(count: number, bytes: number, write: (view: DataView, offset: number, i: number) => void): Uint8Array {
  const out = new Uint8Array(count * bytes);
  const view = new DataView(out.buffer);
  for (let i = 0; i < count; i++) write(view, i * bytes, i);
  return out;
}

export const text = (value: string): Uint8Array => new TextEncoder().encode(value);
