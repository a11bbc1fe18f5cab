import type { RandomStream } from "../random/index.js";

export type Point = readonly [x: number, y: number];
/** The points that a pen passes through on a smooth curve; a corner is where one stroke ends and the next begins. */
export type Stroke = readonly Point[];

/** The ways in which people write each digit, in a box from -0.35 to 0.35 across and -0.5 to 0.5 down. */
export const digitGlyphs: readonly ((random: RandomStream) => readonly Stroke[])[] = [zero, one, two, three, four, five, six, seven, eight, nine];

function zero(random: RandomStream): readonly Stroke[] {
  const width = random.between(0.22, 0.42);
  const begin = random.between(-0.7, 0.2);
  const overlap = random.between(-0.25, 0.5);
  const turns = 12;
  // Egg-shaped rather than an ellipse: the widest place is above or below the middle.
  const lean = random.between(-0.15, 0.15);
  return [Array.from({ length: turns + 1 }, (_, i): Point => {
    const angle = -Math.PI / 2 + begin - (i / turns) * (2 * Math.PI + overlap);
    return [width * Math.cos(angle) * (1 + lean * Math.sin(angle)), 0.5 * Math.sin(angle)];
  })];
}

function one(random: RandomStream): readonly Stroke[] {
  const way = random.uniform();
  const stem: Stroke = [[0.02, -0.5], [0.01, 0], [0, 0.5]];
  if (way < 0.55) return [stem];
  const flag: Stroke = [[random.between(-0.22, -0.1), random.between(-0.36, -0.2)], [-0.07, -0.4], [0.02, -0.5]];
  if (way < 0.88) return [flag, stem];
  return [flag, stem, [[-0.2, 0.5], [0, 0.49], [0.2, 0.5]]];
}

function two(random: RandomStream): readonly Stroke[] {
  const start = random.between(-0.32, -0.18);
  const head: Point[] = [[-0.28, start], [-0.16, -0.45], [0.08, -0.5], [0.27, -0.32], [0.2, -0.06]];
  if (random.uniform() < 0.45) return [[...head, [0, 0.22], [-0.2, 0.44], [-0.31, 0.4], [-0.24, 0.27], [-0.06, 0.32], [0.14, 0.45], [0.34, random.between(0.36, 0.5)]]];
  const corner: Point = [-0.3, 0.47];
  return [[...head, [-0.03, 0.2], corner], [corner, [0, random.between(0.42, 0.48)], [0.33, random.between(0.42, 0.5)]]];
}

function three(random: RandomStream): readonly Stroke[] {
  const waist: Point = [random.between(-0.1, 0.05), random.between(-0.08, 0)];
  const bowl: Stroke = [waist, [0.2, 0.04], [0.29, 0.24], [0.17, 0.45], [-0.06, 0.5], [-0.29, random.between(0.32, 0.42)]];
  if (random.uniform() < 0.15) return [[[-0.25, -0.48], [0, -0.48], [0.25, -0.47]], [[0.25, -0.47], [0.12, -0.27], waist], bowl];
  return [[[-0.27, random.between(-0.4, -0.28)], [-0.1, -0.48], [0.12, -0.48], [0.24, -0.33], [0.16, -0.13], waist], bowl];
}

function four(random: RandomStream): readonly Stroke[] {
  const bar = random.between(0, 0.14);
  if (random.uniform() < 0.6) {
    const corner: Point = [random.between(-0.31, -0.24), bar];
    const down: Stroke = [[random.between(-0.26, -0.12), -0.46], [-0.24, -0.2], corner];
    const top = random.between(-0.5, -0.36);
    return [down, [corner, [0, bar - 0.01], [0.33, bar + random.between(-0.04, 0.02)]], [[0.19, top], [0.16, 0], [0.11, 0.5]]];
  }
  const corner: Point = [-0.32, bar + 0.06];
  const top: Point = [random.between(0.06, 0.16), -0.5];
  return [[top, [-0.12, -0.2], corner], [corner, [0, bar + 0.06], [0.34, bar + 0.05]], [top, [0.11, 0], [0.1, 0.5]]];
}

function five(random: RandomStream): readonly Stroke[] {
  const shoulder: Point = [-0.23, random.between(-0.12, -0.02)];
  const top: Point = [random.between(-0.22, -0.14), -0.46];
  const bowl: Stroke = [shoulder, [-0.02, -0.15], [0.2, -0.06], [0.28, 0.16], [0.18, 0.41], [-0.05, 0.5], [-0.29, random.between(0.34, 0.46)]];
  return [[[0.3, random.between(-0.52, -0.42)], [0.05, -0.46], top], [top, [-0.2, -0.28], shoulder], bowl];
}

function six(random: RandomStream): readonly Stroke[] {
  const lift = random.between(-0.08, 0.08);
  return [[[random.between(0.02, 0.24), -0.5], [-0.1, -0.31], [-0.25, 0], [-0.24, 0.33], [-0.03, 0.5], [0.2, 0.41], [0.26, 0.2 + lift], [0.1, 0.03 + lift], [-0.1, 0.1 + lift], [-0.23, 0.27]]];
}

function seven(random: RandomStream): readonly Stroke[] {
  const corner: Point = [random.between(0.22, 0.32), -0.45];
  const top: Stroke = [[-0.29, random.between(-0.48, -0.4)], [0, -0.46], corner];
  const down: Stroke = [corner, [random.between(0.04, 0.16), 0], [random.between(-0.16, 0.02), 0.5]];
  const strokes: Stroke[] = [top, down];
  if (random.uniform() < 0.25) strokes.push([[-0.13, 0.03], [0.06, 0.01], [0.26, -0.01]]);
  if (random.uniform() < 0.2) strokes.push([[-0.31, -0.27], [-0.3, -0.36], [-0.29, -0.44]]);
  return strokes;
}

function eight(random: RandomStream): readonly Stroke[] {
  const top = random.between(0.15, 0.24);
  const foot = random.between(0.2, 0.29);
  const gap = random.between(-0.06, 0.05);
  return [[[top, -0.38], [0.02, -0.5], [-top, -0.37], [-0.13, -0.17], [0.04, -0.03], [foot, 0.2], [0.17, 0.44], [-0.03, 0.5], [-foot, 0.37], [-0.2, 0.14], [-0.02, -0.04], [0.15, -0.19], [top + gap, -0.38 + gap]]];
}

function nine(random: RandomStream): readonly Stroke[] {
  const right = random.between(0.18, 0.25);
  const loop: Stroke = [[right, -0.32], [0.05, -0.49], [-0.18, -0.39], [-0.25, -0.18], [-0.1, -0.01], [0.1, -0.08], [right, -0.3]];
  const tail: Stroke = random.uniform() < 0.65 ? [[right, -0.32], [right - 0.02, 0.06], [right - random.between(0.06, 0.14), 0.5]] : [[right, -0.32], [right + 0.01, 0.08], [0.12, 0.4], [-0.05, 0.5], [-0.22, 0.4]];
  return [loop, tail];
}
