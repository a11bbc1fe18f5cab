/** Something that trains, and is measured in turns with others. */
export interface Candidate {
  readonly name: string;
  /** Milliseconds per step of one round. */
  readonly round: () => Promise<number>;
  /** −ELBO in nats per row after the first steps, whose number all candidates share: what is fast must also learn. */
  readonly loss: number;
  readonly dispose: () => void | Promise<void>;
}

/** Times by candidate, one for each round. */
export type Times = ReadonlyMap<string, readonly number[]>;

export const rounds = Number(process.env["BENCH_ROUNDS"] ?? 5);

/** Steps before the loss is compared, and steps over which it is averaged. */
export const lossSteps = { before: 100, over: 20 } as const;

/** All candidates once in each round, so that what else the machine does meets all of them. */
export async function takeTurns(candidates: readonly Candidate[], count = rounds): Promise<Times> {
  const times = new Map<string, number[]>(candidates.map(({ name }) => [name, []]));
  for (let round = 0; round < count; round++) for (const { name, round: measure } of candidates) times.get(name)?.push(await measure());
  return times;
}

export function median(list: readonly number[]): number {
  const sorted = [...list].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? NaN) : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}
