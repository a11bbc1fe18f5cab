/**
 * A square of cells that hold the prior's mass in equal parts: for each, row by row from the top left, the draw that lies nearest to its centre.
 * @param draws of a two-dimensional standard normal, one after another
 */
export function latentCells(draws: ArrayLike<number>, cells: number): number[] {
  const places = Array.from({ length: draws.length / 2 }, (_, at) => [normalShare(draws[2 * at] ?? 0), normalShare(draws[2 * at + 1] ?? 0)] as const);
  return Array.from({ length: cells * cells }, (_, cell) => {
    const [x, y] = [((cell % cells) + 0.5) / cells, 1 - (Math.floor(cell / cells) + 0.5) / cells];
    let best = 0;
    let least = Infinity;
    places.forEach(([a, b], at) => {
      const distance = (a - x) ** 2 + (b - y) ** 2;
      if (distance < least) [best, least] = [at, distance];
    });
    return best;
  });
}

/** The normal distribution function to 1e-3: logistic with a cubic term (Bowling et al. 2009, J. Ind. Eng. Manag. 2(1)). */
function normalShare(z: number): number {
  return 1 / (1 + Math.exp(-0.07056 * z ** 3 - 1.5976 * z));
}
