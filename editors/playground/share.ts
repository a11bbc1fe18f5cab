import { deflateSync, inflateSync, strFromU8, strToU8 } from "fflate";

/** Longest model that a link is made of or read from: what the compiler takes. */
const most = 1_000_000;

/** A model as the part of an address after `#`: deflated, in base64url. */
export function toLink(text: string): string {
  const bytes = deflateSync(strToU8(text), { level: 9 });
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return `model=${btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "")}`;
}

/** The model of such a link; undefined where it is none, or is broken, or unpacks to more than a model has. */
export function fromLink(hash: string): string | undefined {
  const packed = /^#?model=([\w-]+)$/.exec(hash)?.[1];
  if (packed === undefined || packed.length > 2 * most) return undefined;
  try {
    const bytes = Uint8Array.from(atob(packed.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));
    // A buffer of bounded size: what unpacks to more fails.
    const text = strFromU8(inflateSync(bytes, { out: new Uint8Array(most) }));
    return text;
  } catch {
    return undefined;
  }
}
