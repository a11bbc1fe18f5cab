/** `LVMC_PROGRAMS`, `LVMC_FIRST` and `LVMC_DEVICE` (set by `npm run fuzz`) choose others. */
export const chosen = process.env["LVMC_PROGRAMS"] === undefined ? undefined : { count: Number(process.env["LVMC_PROGRAMS"]), first: Number(process.env["LVMC_FIRST"] ?? 0), device: process.env["LVMC_DEVICE"] };

/** Seeds in batches, each compiled as one. */
export function batchesOf(first: number, count: number, size: number): number[][] {
  return Array.from({ length: Math.ceil(count / size) }, (_, batch) => Array.from({ length: Math.min(size, count - batch * size) }, (_, i) => first + batch * size + i));
}
