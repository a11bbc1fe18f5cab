import { rowStream, type RandomStream } from "../random/index.js";
import { column, dataKeys, type BuiltinData } from "./builtin.js";

/** Chord progressions as piano rolls. */
export const polyphonic: BuiltinData = {
  doc: "n pieces of T steps, made by code: which of a piano's 88 keys sound (key 0 is the lowest A). Each piece is in one of twelve major keys; its chords, the triads on the seven degrees of the scale, begin on the first and follow a Markov chain that holds a chord with probability 1/2 and else moves as such chords do (mostly by fourths and fifths). A step has the chord's root in the bass, its three notes in the middle, each left out with probability 0.1, and above them a melody that goes to a near note of the chord.",
  parameters: [{ name: "n", default: 1000, min: 1, max: 1_000_000 }, { name: "T", default: 32, min: 1, max: 10_000 }],
  columns: ([, T = 32]) => [{ name: "x", support: { kind: "binary" }, shape: [T, keys] }],
  make([n = 1000, T = 32], seed, split) {
    const { rows } = dataKeys(seed, 8, split);
    const x = new Int32Array(n * T * keys);
    for (let row = 0; row < n; row++) play(rowStream(rows, row), T, x.subarray(row * T * keys, (row + 1) * T * keys));
    return [column("x", n, [T, keys], x, `polyphonic(${n}, ${T})`)];
  },
};

const keys = 88;
/** Semitones of the major scale above its first note. */
const scale = [0, 2, 4, 5, 7, 9, 11];

/** To which degree a chord moves, as weights: rows and columns are the triads I, ii, iii, IV, V, vi, vii°. */
const moves = [
  [0, 2, 1, 4, 4, 3, 1],
  [1, 0, 0, 1, 6, 1, 1],
  [0, 1, 0, 3, 1, 5, 0],
  [4, 2, 0, 0, 4, 1, 1],
  [7, 0, 1, 1, 0, 3, 0],
  [1, 4, 1, 3, 2, 0, 0],
  [8, 0, 1, 0, 0, 1, 0],
];

/** Lowest keys (88-key numbering from 0) of the octaves of bass, chord and melody; the melody has an octave and a half. */
const bassFrom = 19;
const chordFrom = 36;
const melodyFrom = 48;
const melodyKeys = 18;

function play(random: RandomStream, T: number, out: Int32Array): void {
  const tonic = random.integer(12);
  let degree = 0;
  let melody = melodyFrom + random.integer(melodyKeys);
  for (let t = 0; t < T; t++) {
    if (t > 0 && random.uniform() < 0.5) degree = random.categorical(moves[degree]!);
    const notes = [0, 2, 4].map((third) => tonic + scale[(degree + third) % scale.length]!);
    const sound = (key: number): void => void (out[t * keys + key] = 1);
    sound(inOctave(notes[0]!, bassFrom));
    for (const note of notes) if (random.uniform() >= 0.1) sound(inOctave(note, chordFrom));
    // At most a fifth away: of six keys in a row one is always of the chord.
    const near: number[] = [];
    for (let key = Math.max(melodyFrom, melody - 7); key <= Math.min(melodyFrom + melodyKeys - 1, melody + 7); key++) if (notes.some((note) => (key - note) % 12 === 0)) near.push(key);
    melody = near[random.integer(near.length)]!;
    sound(melody);
  }
}

/** The key of a note's name in the octave that begins at a key. */
function inOctave(note: number, from: number): number {
  return from + ((((note - from) % 12) + 12) % 12);
}
