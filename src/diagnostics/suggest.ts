/**
 * The candidate that was probably meant by `name`: the nearest by edits (insert, delete, replace, swap neighbours: the restricted
 * Damerau–Levenshtein distance), at most a third of the name's length; a difference in case only costs a quarter. Ties go to the
 * candidate that comes first in code-unit order, so that the answer does not depend on the order of `candidates`.
 */
export function suggest(name: string, candidates: Iterable<string>): string | undefined {
  if (name === "" || name.length > 60) return undefined;
  const allowed = name.length < 3 ? 0.5 : Math.max(1, Math.floor(name.length / 3));
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const candidate of candidates) {
    if (candidate === name || candidate === "" || Math.abs(candidate.length - name.length) > allowed) continue;
    const distance = editDistance(name, candidate);
    if (distance > allowed || distance > bestDistance) continue;
    if (distance === bestDistance && best !== undefined && best <= candidate) continue;
    best = candidate;
    bestDistance = distance;
  }
  return best;
}

/** Restricted Damerau–Levenshtein distance; replacing a letter by itself in the other case costs 1/4. */
export function editDistance(from: string, to: string): number {
  const width = to.length + 1;
  let before = new Float64Array(width);
  let above = Float64Array.from({ length: width }, (_, column) => column);
  for (let row = 1; row <= from.length; row += 1) {
    const current = new Float64Array(width);
    current[0] = row;
    for (let column = 1; column < width; column += 1) {
      const a = from.charAt(row - 1);
      const b = to.charAt(column - 1);
      const replace = a === b ? 0 : a.toLowerCase() === b.toLowerCase() ? 0.25 : 1;
      let cost = Math.min((above[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, (above[column - 1] ?? 0) + replace);
      if (row > 1 && column > 1 && a === to.charAt(column - 2) && b === from.charAt(row - 2)) cost = Math.min(cost, (before[column - 2] ?? 0) + 1);
      current[column] = cost;
    }
    before = above;
    above = current;
  }
  return above[width - 1] ?? 0;
}
