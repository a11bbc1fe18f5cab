/** Bytes of a module that may be given as base64. Always a copy of its own. */
export function moduleBytes(module: Uint8Array | string): Uint8Array<ArrayBuffer> {
  if (typeof module !== "string") return new Uint8Array(module);
  const text = atob(module);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/**
 * The module with its memory import declared as shared or not: bit 1 of the limits. Instructions are the same either way, so one module serves
 * both kinds of hosts.
 */
export function withSharing(bytes: Uint8Array<ArrayBuffer>, shared: boolean): Uint8Array<ArrayBuffer> {
  const at = memoryLimits(bytes);
  const patched = bytes.slice();
  patched[at] = shared ? 0x03 : 0x01;
  return patched;
}

/** Position of the limits' flags of the one import: section 2 holds a count, two names with their lengths, the kind (2: memory), flags, sizes. */
function memoryLimits(bytes: Uint8Array): number {
  let at = 8;
  const number = (): number => {
    for (let value = 0, shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error("a WebAssembly module ends too early");
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const section = bytes[at++];
    const size = number();
    if (section !== 2) {
      at += size;
      continue;
    }
    number();
    for (let name = 0; name < 2; name++) at = number() + at;
    if (bytes[at] === 2 && (bytes[at + 1] === 0x01 || bytes[at + 1] === 0x03)) return at + 1;
    break;
  }
  throw new Error("a WebAssembly module of kernels imports one memory with a maximum");
}
