import type { Reporter, TestModule } from "vitest/node";

/** Closes the output with one plain line that counts the tests, for whoever reads only that: `812 passed, 0 failed, 3 skipped`. */
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    let [passed, failed, skipped] = [0, unhandled.length, 0];
    for (const module of modules) {
      const tests = [...module.children.allTests()];
      // What fails before or after its tests: an import, a hook.
      if (module.state() === "failed" && tests.every((test) => test.result().state !== "failed")) failed++;
      for (const test of tests) {
        const state = test.result().state;
        if (state === "passed") passed++;
        else if (state === "failed") failed++;
        else skipped++;
      }
    }
    // After everything else that the run prints.
    process.on("exit", () => process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}\n`));
  }
}
