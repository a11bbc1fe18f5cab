import { LvmError } from "../error.js";
import { permutation, runtimeSites, seedWords, type RandomKey } from "../random/index.js";
import type { BoundColumn } from "./bind.js";
import { isDiscreteSupport } from "./spec.js";

/**
 * Hides a partly observed column in all rows but a share of them: `observe y = 0.1` keeps a tenth. Which rows is given by the seed. Columns of
 * classes keep the same share of each class, at least one row of each; rows that lack the value already are not counted.
 *
 * @param share from 0 (keeps nothing) to 1 (keeps all)
 * @throws LvmError LVM7026 for a column that is not partly observed or a share outside 0 … 1
 */
export function maskColumn(column: BoundColumn, share: number, seed: number | bigint | readonly [number, number]): BoundColumn {
  const { name, spec, rows, size } = column;
  if (!spec.partlyObserved) throw new LvmError("LVM7026", `column ${name} cannot be hidden: the model takes it in every row`, { facts: { column: name }, help: `declare it as partly observed: \`${name}: …?\`` });
  if (!(share >= 0 && share <= 1)) throw new LvmError("LVM7026", `column ${name}: the share to observe is ${share}; it must be from 0 to 1`, { facts: { column: name, share: String(share) } });
  const words = typeof seed === "object" ? seed : seedWords(seed);
  const discrete = isDiscreteSupport(spec.support) && !column.grey;
  const isMissing = (value: number): boolean => (discrete ? value < 0 : Number.isNaN(value));
  const strata = new Map<number, number[]>();
  for (let row = 0; row < rows; row++) {
    const value = column.values[row * size]!;
    if (isMissing(value)) continue;
    const stratum = spec.support.kind === "index" && size === 1 ? value : 0;
    const members = strata.get(stratum);
    if (members === undefined) strata.set(stratum, [row]);
    else members.push(row);
  }
  const kept = new Uint8Array(rows);
  for (const [stratum, members] of strata) {
    const key: RandomKey = { seed: words, site: runtimeSites.mask, step: stratum };
    const count = share === 0 ? 0 : Math.max(1, Math.round(share * members.length));
    const order = permutation(members.length, key);
    for (let i = 0; i < count; i++) kept[members[order[i]!]!] = 1;
  }
  // Bytes have no value for "missing".
  const values = discrete ? Int32Array.from(column.values) : Float32Array.from(column.values, (value) => value * column.scale);
  let missingRows = 0;
  for (let row = 0; row < rows; row++) {
    if (kept[row] === 1) continue;
    values.fill(discrete ? -1 : NaN, row * size, (row + 1) * size);
    missingRows++;
  }
  return { ...column, values, scale: 1, missingRows };
}
