import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    reporters: ["default", "./test/support/count-reporter.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Two cores, and TensorFlow.js keeps global state: files run in processes of their own, two at a time.
    pool: "forks",
    maxWorkers: 2,
  },
});
