import { describe, expect, it } from "vitest";
import { environments, makeBuiltinData } from "../../src/runtime/index.js";

/** Of built-in sequences: that they are what docs/data.md says. Statistical bounds are five standard errors (false alarm 6e-7 each). */

const values = (name: string, args: readonly number[], column: string, seed = 1): ArrayLike<number> => makeBuiltinData(name, args, seed).find((each) => each.name === column)!.values;
const within = (count: number, of: number, share: number): void => expect(Math.abs(count / of - share), `${count} of ${of}`).toBeLessThan(5 * Math.sqrt((share * (1 - share)) / of));

/** The middle of a picture's light, from 0 to its side. */
function middle(pixels: ArrayLike<number>, start: number, side: number): [number, number] {
  let [x, y, sum] = [0, 0, 0];
  for (let i = 0; i < side * side; i++) {
    const light = pixels[start + i]!;
    x += light * ((i % side) + 0.5);
    y += light * (Math.floor(i / side) + 0.5);
    sum += light;
  }
  return [x / sum, y / sum];
}

describe("robot_room", () => {
  const [n, T] = [300, 20];
  const data = makeBuiltinData("robot_room", [n, T], 1);
  const [x, r, a] = ["x", "r", "a"].map((name) => data.find((column) => column.name === name)!.values) as [Uint8Array, Float32Array, Float32Array];
  /** The robot's place, where it does not hide the goal: the goal's light is taken off. */
  const place = (at: number): [number, number] => {
    const pixels = Float64Array.from(x.subarray(1024 * at, 1024 * (at + 1)));
    for (let row = 14; row < 18; row++) for (let column = 14; column < 18; column++) pixels[32 * row + column]! -= 76;
    const [across, down] = middle(pixels, 0, 32);
    return [(across - 16) / 14, (down - 16) / 14];
  };

  it("shows at each step the reward of what is seen, and what the action before did", () => {
    let [compared, walls] = [0, 0];
    for (let at = 0; at < n * T; at++) {
      if (r[at]! > -0.5) continue;
      const [px, py] = place(at);
      expect(Math.abs(-r[at]! - Math.hypot(px, py))).toBeLessThan(0.005);
      if (at % T === T - 1 || r[at + 1]! > -0.5) continue;
      const after = place(at + 1);
      for (const [axis, from] of [px, py].entries()) {
        const to = Math.max(-1, Math.min(1, from + 0.2 * a[2 * at + axis]!));
        if (Math.abs(to) === 1) walls++;
        expect(Math.abs(after[axis]! - to)).toBeLessThan(0.008);
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(n * T);
    expect(walls).toBeGreaterThan(100);
  });

  it("shows what the environment shows for the same actions from the same place", () => {
    const environment = environments.robot_room();
    environment.reset(0);
    // From a corner: a trajectory whose robot is there once.
    const at = Array.from({ length: n * T - 1 }, (_, i) => i).find((i) => i % T < T - 1 && Math.abs(place(i)[0]) > 0.999 && Math.abs(place(i)[1]) > 0.999)!;
    const corner = place(at).map(Math.sign);
    for (let i = 0; i < 10; i++) environment.step(corner);
    for (let i = at; i % T < T - 1; i++) {
      const seen = environment.step([a[2 * i]!, a[2 * i + 1]!]);
      expect(Array.from(seen.observations["x"]!, (value) => Math.round(255 * value))).toEqual([...x.subarray(1024 * (i + 1), 1024 * (i + 2))]);
      expect(r[i + 1]).toBe(Math.fround(seen.reward));
    }
  });

  it("begins and goes everywhere, with uniform actions that are held for 2 to 6 steps", () => {
    const quarters = [0, 0, 0, 0];
    const lengths = new Map<number, number>();
    let [sum, squares, held] = [0, 0, 1];
    for (let row = 0; row < n; row++) {
      held = 1;
      for (let t = 1; t < T; t++) {
        const at = row * T + t;
        if (a[2 * at] === a[2 * at - 2] && a[2 * at + 1] === a[2 * at - 1]) held++;
        else {
          lengths.set(held, (lengths.get(held) ?? 0) + 1);
          sum += a[2 * at]!;
          squares += a[2 * at]! ** 2;
          held = 1;
        }
      }
      if (r[row * T]! < -0.5) {
        const [px, py] = place(row * T);
        quarters[(px > 0 ? 1 : 0) + (py > 0 ? 2 : 0)]!++;
      }
    }
    expect([...lengths.keys()].sort()).toEqual([2, 3, 4, 5, 6]);
    const changes = [...lengths.values()].reduce((total, count) => total + count, 0);
    expect(Math.abs(sum / changes)).toBeLessThan(5 * Math.sqrt(1 / 3 / changes));
    expect(Math.abs(squares / changes - 1 / 3)).toBeLessThan(5 * Math.sqrt(4 / 45 / changes));
    const starts = quarters.reduce((total, count) => total + count, 0);
    for (const count of quarters) within(count, starts, 1 / 4);
  });
});

describe("bouncing_ball", () => {
  // Truth: a ball that is moved frame by frame and turned round at the walls, at the speed that most frames have.
  it("moves at constant speed and is turned round by the walls", () => {
    const [n, T] = [100, 30];
    const x = values("bouncing_ball", [n, T], "x");
    let [bounces, frames] = [0, 0];
    for (let row = 0; row < n; row++) {
      const path = Array.from({ length: T }, (_, t) => middle(x, (row * T + t) * 256, 16));
      const speeds: number[] = [];
      for (const axis of [0, 1] as const) {
        const moves = path.slice(1).map((place, i) => place[axis] - path[i]![axis]);
        const speed = moves.map(Math.abs).sort((p, q) => p - q)[Math.floor(0.75 * moves.length)]!;
        speeds.push(speed);
        let [at, velocity] = [path[0]![axis], Math.sign(moves.find((move) => Math.abs(Math.abs(move) - speed) < 0.05)!) * speed];
        // The first move may be a bounce itself: then the ball was on its way to the wall.
        if (Math.abs(moves[0]! - velocity) > 0.05) velocity = -velocity;
        for (let t = 1; t < T; t++) {
          at += velocity;
          if (at < 2 || at > 14) {
            at = at < 2 ? 4 - at : 28 - at;
            velocity = -velocity;
            bounces++;
          }
          // Errors of the speed, which is measured to a hundredth of a pixel, add up.
          expect(Math.abs(path[t]![axis] - at)).toBeLessThan(0.06 + 0.02 * t);
          at = path[t]![axis];
          frames++;
        }
      }
      const speed = Math.hypot(...speeds);
      expect(speed).toBeGreaterThan(0.75);
      expect(speed).toBeLessThan(1.65);
    }
    expect(bounces / frames).toBeGreaterThan(0.03);
  });

  // An edge that fades linearly over one pixel adds π / 12; of it a wall hides a little, and pixels are counted by their middles.
  it("has a ball of radius 2: π (4 + 1/12) pixels of light in each frame, to 4 %", () => {
    const x = values("bouncing_ball", [50, 10], "x");
    for (let frame = 0; frame < 500; frame++) {
      let light = 0;
      for (let i = 0; i < 256; i++) light += x[256 * frame + i]! / 255;
      expect(Math.abs(light / (Math.PI * (4 + 1 / 12)) - 1)).toBeLessThan(0.04);
    }
  });
});

describe("polyphonic", () => {
  const [n, T] = [600, 32];
  const x = values("polyphonic", [n, T], "x");
  const steps = Array.from({ length: n * T }, (_, at) => Array.from({ length: 88 }, (_, key) => key).filter((key) => x[at * 88 + key] === 1));
  const notes = (row: number, t: number): readonly number[] => steps[row * T + t]!;
  const scale = [0, 2, 4, 5, 7, 9, 11];
  const bass = (row: number, t: number): number => notes(row, t)[0]!;
  const degree = (row: number, t: number): number => scale.indexOf((bass(row, t) - bass(row, 0) + 120) % 12);

  it("keeps to the major scale of its first bass note, with a triad on the bass at each step", () => {
    const tonics = new Set<number>();
    for (let row = 0; row < n; row++) {
      tonics.add(bass(row, 0) % 12);
      for (let t = 0; t < T; t++) {
        const root = degree(row, t);
        if (root < 0) expect.fail(`step ${t} of piece ${row}: the bass leaves the scale`);
        const triad = [0, 2, 4].map((third) => scale[(root + third) % 7]);
        const strange = notes(row, t).filter((key) => !triad.includes((key - bass(row, 0) + 120) % 12));
        if (strange.length > 0 || notes(row, t).length < 2 || notes(row, t).length > 5) expect.fail(`step ${t} of piece ${row}: keys ${notes(row, t).join(", ")}`);
      }
    }
    expect(tonics.size).toBe(12);
  });

  it("holds a chord with probability 1/2, goes from the fifth degree to the first most often, and leaves a note out with probability 0.1", () => {
    let [held, moves, fromFifth, home, inner] = [0, 0, 0, 0, 0];
    for (let row = 0; row < n; row++) for (let t = 1; t < T; t++) {
      const [before, now] = [degree(row, t - 1), degree(row, t)];
      moves++;
      if (now === before) held++;
      else if (before === 4) {
        fromFifth++;
        if (now === 0) home++;
      }
      inner += notes(row, t).filter((key) => key >= 36 && key < 48).length;
    }
    within(held, moves, 1 / 2);
    within(home, fromFifth, 7 / 12);
    within(inner, 3 * moves, 0.9);
  });

  it("has a melody that is never more than a fifth away from its last note", () => {
    let most = 0;
    for (let row = 0; row < n; row++) for (let t = 1; t < T; t++) most = Math.max(most, Math.abs(notes(row, t).at(-1)! - notes(row, t - 1).at(-1)!));
    expect(most).toBe(7);
  });
});

describe("state_sequences", () => {
  it("has the documented transitions, means and scale", () => {
    const [n, T] = [2000, 20];
    const x = values("state_sequences", [n, T], "x");
    const s = values("state_sequences", [n, T], "s");
    let [stayed, first] = [0, 0];
    const to = [0, 0, 0];
    const moments = Array.from({ length: 3 }, () => ({ count: 0, sum: [0, 0], squares: 0 }));
    const means = [[-2, 0], [2, 0], [0, 3]];
    for (let row = 0; row < n; row++) for (let t = 0; t < T; t++) {
      const at = row * T + t;
      const cell = moments[s[at]!]!;
      cell.count++;
      for (const axis of [0, 1]) {
        cell.sum[axis]! += x[2 * at + axis]!;
        cell.squares += (x[2 * at + axis]! - means[s[at]!]![axis]!) ** 2;
      }
      if (t === 0) first += s[at] === 0 ? 1 : 0;
      else if (s[at] === s[at - 1]) stayed++;
      else if (s[at - 1] === 1) to[s[at]!]!++;
    }
    within(stayed, n * (T - 1), 0.9);
    within(first, n, 1 / 3);
    expect(to[1]).toBe(0);
    within(to[0]!, to[0]! + to[2]!, 1 / 2);
    for (const [state, { count, sum, squares }] of moments.entries()) {
      for (const axis of [0, 1]) expect(Math.abs(sum[axis]! / count - means[state]![axis]!)).toBeLessThan((5 * 0.8) / Math.sqrt(count));
      expect(Math.abs(squares / (2 * count) / 0.64 - 1)).toBeLessThan(5 * Math.sqrt(2 / (2 * count)));
    }
  });
});

describe("tracking", () => {
  // Truth: the covariance of (p, v) by the recursion of the documented model, and Cov(p[t], p[t+k]) = (F^k P[t]) with F = [[1, 1], [0, 0.95]].
  it("has the variances and lagged covariances of the documented linear-Gaussian model", () => {
    const [n, T] = [4000, 20];
    const x = values("tracking", [n, T], "x");
    const p = values("tracking", [n, T], "p");
    const empirical = (u: ArrayLike<number>, s: number, v: ArrayLike<number>, t: number): number => {
      let sum = 0;
      for (let row = 0; row < n; row++) for (const axis of [0, 1]) sum += u[2 * (row * T + s) + axis]! * v[2 * (row * T + t) + axis]!;
      return sum / (2 * n);
    };
    let [pp, pv, vv] = [1, 0, 0.09];
    const variances: number[] = [];
    const ahead: number[] = [];
    for (let t = 0; t < T; t++) {
      variances.push(pp);
      // Three steps on: p + (1 + 0.95 + 0.95²) v.
      ahead.push(pp + (1 + 0.95 + 0.95 ** 2) * pv);
      [pp, pv, vv] = [pp + 2 * pv + vv + 0.0025, 0.95 * (pv + vv), 0.95 ** 2 * vv + 0.01];
    }
    for (let t = 0; t < T; t++) {
      const error = 5 * Math.sqrt(2 / (2 * n));
      expect(Math.abs(empirical(p, t, p, t) / variances[t]! - 1)).toBeLessThan(error);
      expect(Math.abs(empirical(x, t, x, t) / (variances[t]! + 0.09) - 1)).toBeLessThan(error);
      if (t + 3 >= T) continue;
      const scale = Math.sqrt((variances[t]! * variances[t + 3]! + ahead[t]! ** 2) / (2 * n));
      expect(Math.abs(empirical(p, t, p, t + 3) - ahead[t]!)).toBeLessThan(5 * scale);
    }
  });
});
