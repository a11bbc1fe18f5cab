export { fillGamma, fillLogGamma } from "./gamma.js";
export { blockKey, createRandom, deriveKey, runtimeSites, seedWords, type Random, type RandomKey } from "./key.js";
export { normalQuantile } from "./normal-quantile.js";
export { createStream, rowStream, type RandomStream } from "./stream.js";
export { threefry } from "./threefry.js";
export { bitsToUniform, fillBits, fillNormal, fillUniform, permutation, randomInteger } from "./uniform.js";
