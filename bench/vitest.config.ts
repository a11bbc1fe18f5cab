import { defineConfig } from "vitest/config";

/** Benchmarks are TypeScript like everything else; vitest runs them: `npx vitest run --config bench/vitest.config.ts`. */
export default defineConfig({ test: { include: ["bench/*.ts"], exclude: ["bench/vitest.config.ts"], testTimeout: 600_000, pool: "forks", maxWorkers: 1, disableConsoleIntercept: true } });
