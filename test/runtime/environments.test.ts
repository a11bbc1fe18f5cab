import { describe, expect, it } from "vitest";
import { environments, type Environment } from "../../src/runtime/index.js";

const room = (seed = 0): Environment => {
  const made = environments.robot_room();
  made.reset(seed);
  return made;
};

/** Moves a room to a place: the walls' corner first, then the rest of the way. */
function moveTo(environment: Environment, x: number, y: number): void {
  for (let i = 0; i < 10; i++) environment.step([-1, -1]);
  for (let axis = 0; axis < 2; axis++) {
    const way = ((axis === 0 ? x : y) + 1) / 0.2;
    for (let rest = way; rest > 0; rest--) environment.step(axis === 0 ? [Math.min(1, rest), 0] : [0, Math.min(1, rest)]);
  }
}

describe("every environment", () => {
  it.each(Object.entries(environments))("%s: the same seed and actions show the same, another seed begins elsewhere, and what is seen has the declared form", (name, create) => {
    const play = (seed: number): unknown[] => {
      const environment = create();
      expect(environment.name).toBe(name);
      const seen = [environment.reset(seed), environment.step([0.5, -0.25]), environment.step([-1, 1])];
      for (const { observations, reward } of seen) {
        expect(Object.keys(observations)).toEqual(environment.observations.map((column) => column.name));
        for (const column of environment.observations) expect(observations[column.name]).toHaveLength(column.shape.reduce((a, b) => a * b, 1));
        expect(Number.isFinite(reward)).toBe(true);
      }
      expect(environment.frame()).toMatchObject({ ...environment.frameSize, channels: 3 });
      return [...seen, [...environment.state()]];
    };
    expect(play(7)).toEqual(play(7));
    expect(play(8)).not.toEqual(play(7));
  });
});

describe("robot_room", () => {
  it("moves by 0.2 of the action, stops at walls, and pays minus the distance", () => {
    const environment = room();
    moveTo(environment, 0.3, -0.6);
    expect([...environment.state()]).toEqual([expect.closeTo(0.3, 12), expect.closeTo(-0.6, 12)]);
    const seen = environment.step([0.5, 7]);
    expect([...environment.state()]).toEqual([expect.closeTo(0.4, 12), expect.closeTo(-0.4, 12)]);
    expect(seen.reward).toBeCloseTo(-Math.sqrt(0.32), 12);
    for (let i = 0; i < 20; i++) environment.step([1, -1]);
    expect([...environment.state()]).toEqual([1, -1]);
    expect(environment.step([1, -1]).reward).toBeCloseTo(-Math.SQRT2, 12);
  });

  it("is done within 0.1 of the goal, and begins at least 0.5 from it, anywhere else", () => {
    const environment = room();
    moveTo(environment, 0.08, 0.3);
    expect(environment.step([0, -1]).done).toBe(false);
    expect(environment.step([0, -0.3]).done).toBe(true);
    const quarters = [0, 0, 0, 0];
    for (let seed = 0; seed < 400; seed++) {
      const { reward, done } = environment.reset(seed);
      expect(reward).toBeLessThanOrEqual(-0.5);
      expect(done).toBe(false);
      const [x = 0, y = 0] = environment.state();
      quarters[(x > 0 ? 1 : 0) + (y > 0 ? 2 : 0)]!++;
    }
    // Binomial(400, 1/4): 100 ± 43 is five standard deviations.
    for (const count of quarters) expect(Math.abs(count - 100)).toBeLessThan(43);
  });

  /** The share of each pixel that a square of 4 pixels covers, counted over 40 × 40 points of it. */
  const covered = (pixel: number, x: number, y: number): number => {
    let count = 0;
    for (let i = 0; i < 40; i++) for (let j = 0; j < 40; j++) {
      const dx = (pixel % 32) + (i + 0.5) / 40 - (16 + 14 * x);
      const dy = Math.floor(pixel / 32) + (j + 0.5) / 40 - (16 + 14 * y);
      if (Math.abs(dx) < 2 && Math.abs(dy) < 2) count++;
    }
    return count / 1600;
  };

  it.each([[-0.73, 0.41], [0.06, -0.11], [1, 1], [-1, 0.02], [0, 0]])("draws the robot over the goal at (%d, %d) as counted points do, for people and for the model", (x, y) => {
    const environment = room();
    moveTo(environment, x, y);
    const { observations } = environment.step([0, 0]);
    const { data } = environment.frame();
    for (let pixel = 0; pixel < 1024; pixel++) {
      const robot = covered(pixel, x, y);
      const goal = covered(pixel, 0, 0);
      // 1/40 of a pixel is what counting misses on a side, twice over where two edges meet.
      expect(Math.abs(observations["x"]![pixel]! - (robot + (1 - robot) * goal * 0.299))).toBeLessThan(0.055);
      expect(Math.abs(data[3 * pixel]! / 255 - (robot + (1 - robot) * goal))).toBeLessThan(0.055);
      for (const channel of [1, 2]) expect(Math.abs(data[3 * pixel + channel]! / 255 - robot)).toBeLessThan(0.055);
    }
  });

  it("shows a move of a fiftieth of a pixel", () => {
    const environment = room();
    moveTo(environment, 0.5, 0.5);
    const before = environment.step([0, 0]).observations["x"];
    expect(environment.step([0.007, 0]).observations["x"]).not.toEqual(before);
  });

  it("refuses what is no action", () => {
    for (const action of [[], [1], [1, 2, 3], [NaN, 0], [0, Infinity]]) expect(() => room().step(action), String(action)).toThrow(RangeError);
  });
});
