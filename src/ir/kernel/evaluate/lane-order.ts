import { InternalError } from "../../../util/internal-error.js";

/** Told of every access and every barrier of a group. A lane of −1 stands for all. */
export interface LaneOrder {
  readonly reads: (index: number, lane: number) => void;
  readonly writes: (index: number, lane: number) => void;
  readonly barrier: () => void;
}

/** Sees that no lane touches what another writes before they have met at a barrier. */
export function laneOrder(place: string, words: number): LaneOrder {
  // Of each word, since the barrier of that number: the lane that wrote it, the lane that read it (−1 all or several).
  const [written, read, writer, reader] = [0, 1, 2, 3].map(() => new Int32Array(words)) as [Int32Array, Int32Array, Int32Array, Int32Array];
  let now = 0;
  return {
    reads(index, lane) {
      if (written[index] === now && (writer[index] !== lane || lane < 0)) throw new InternalError(`${place}: lane ${lane} reads word ${index}, which lane ${writer[index]} wrote with no barrier between`);
      reader[index] = read[index] === now && reader[index] !== lane ? -1 : lane;
      read[index] = now;
    },
    writes(index, lane) {
      const other = written[index] === now && writer[index] !== lane ? writer[index] : read[index] === now && reader[index] !== lane ? reader[index] : undefined;
      // A scalar is the same for all lanes, and one of them stores it: that lane has read what it read before.
      if (other !== undefined && !(lane === 0 && other === -1 && written[index] !== now)) throw new InternalError(`${place}: lane ${lane} writes word ${index}, which lane ${other} reads or writes with no barrier between`);
      writer[index] = lane;
      written[index] = now;
    },
    barrier: () => void now++,
  };
}
