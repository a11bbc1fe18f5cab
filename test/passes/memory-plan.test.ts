import { describe, expect, it } from "vitest";
import { alignment, type Block, checkMemoryPlan, planMemory, reservedWords } from "../../src/passes/memory-plan.js";
import { randomGenerator } from "../../src/util/random-generator.js";

function randomBlocks(seed: number): Block[] {
  const next = randomGenerator(`blocks ${seed}`);
  return Array.from({ length: 3 + Math.floor(next() * 20) }, (): Block => {
    const from = Math.floor(next() * 10);
    return { words: Math.floor(next() * 200), live: next() < 0.2 ? undefined : { from, to: from + Math.floor(next() * 4) } };
  });
}

describe("memory plan", () => {
  // Two blocks that live at once and share a word would be a wrong result that depends on the data; the proof here walks single words.
  it("gives no word to two that live at once (300 random sets)", () => {
    for (let seed = 0; seed < 300; seed++) {
      const blocks = randomBlocks(seed);
      const plan = planMemory(blocks);
      checkMemoryPlan(blocks, plan);
      for (let kernel = 0; kernel < 14; kernel++) {
        const used = new Set<number>();
        blocks.forEach(({ words, live }, at) => {
          if (live && (kernel < live.from || kernel > live.to)) return;
          expect(plan.offsets[at]! % alignment).toBe(0);
          for (let word = plan.offsets[at]!; word < plan.offsets[at]! + words; word++) {
            if (used.has(word) || word < reservedWords || word >= plan.words) expect.fail(`set ${seed}, block ${at}, word ${word}`);
            used.add(word);
          }
        });
      }
    }
  });

  it("reuses words that are free", () => {
    const blocks: Block[] = Array.from({ length: 10 }, (_, i) => ({ words: 160, live: { from: i, to: i + 1 } }));
    expect(planMemory(blocks).temporaryWords).toBe(320);
  });

  // Guards the checker itself: it must see what a wrong planner does.
  it("the checker refuses blocks that overlap, lie on the engine's words or end outside", () => {
    const blocks: Block[] = [{ words: 20, live: { from: 0, to: 2 } }, { words: 20, live: { from: 2, to: 3 } }];
    const plan = { words: 64, persistentWords: 16, temporaryWords: 48 };
    expect(() => checkMemoryPlan(blocks, { ...plan, offsets: [16, 32] })).toThrow("both live");
    expect(() => checkMemoryPlan(blocks, { ...plan, offsets: [16, 48] })).toThrow("outside");
    expect(() => checkMemoryPlan(blocks, { ...plan, offsets: [0, 32] })).toThrow("engine");
    expect(() => checkMemoryPlan([blocks[0]!, { ...blocks[1]!, replaces: 0 }], { ...plan, offsets: [16, 16] })).not.toThrow();
  });
});
