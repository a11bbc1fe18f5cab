import { defineConfig } from "vitest/config";

/** Benchmarks are TypeScript like everything else; vitest runs them: `npx vitest run --config bench/vitest.config.ts bench/engine.ts`. */
export default defineConfig({ test: { include: ["bench/engine.ts", "bench/mnist.ts", "bench/tfjs-step.ts"], testTimeout: 3_600_000, pool: "forks", maxWorkers: 1, disableConsoleIntercept: true } });
