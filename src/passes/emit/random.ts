import type { KernelBuilder } from "../../ir/kernel/builder.js";
import { arenaKey, logGammaAt, normalAt, uniformAt, type Words } from "../../ir/kernel/functions/random.js";
import type { KernelExpr } from "../../ir/kernel/nodes.js";

/** A stream's number: FNV-1a of its name, as the run time numbers streams; the top of the range belongs to the run time's own. */
export function siteOf(stream: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < stream.length; at++) hash = Math.imul(hash ^ stream.charCodeAt(at), 0x01000193);
  return (hash >>> 0) % 0xffffff00;
}

/** The key of a stream at this step: scalar, in front of all loops. */
export function streamKey(k: KernelBuilder, stream: string): Words {
  return k.outwards([], () => arenaKey(k, siteOf(stream)));
}

/** Element `index` of a stream. */
export function emitRandom(k: KernelBuilder, key: Words, distribution: "uniform" | "normal", index: KernelExpr): KernelExpr {
  return distribution === "uniform" ? uniformAt(k, key, index) : normalAt(k, key, index);
}

/** log z with z ~ Gamma(alpha, 1). */
export function emitRandomLogGamma(k: KernelBuilder, key: Words, alpha: KernelExpr, index: KernelExpr): KernelExpr {
  return logGammaAt(k, key, index, alpha);
}
