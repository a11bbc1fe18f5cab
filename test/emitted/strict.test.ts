import { describe, expect, it } from "vitest";
import { compile } from "../../src/driver/compile.js";
import { readModel } from "../codegen/support/type-check.js";
import { emitted, shippedModels } from "./support.js";
import { isBuilt, userProject } from "./user-project.js";

describe.skipIf(!isBuilt)(isBuilt ? "emitted modules" : "emitted modules (skipped: dist is not built)", () => {
  // Guards that users need nothing but `lvmc`: no types of Node, none of TensorFlow.js, no skipLibCheck.
  it("pass tsc --strict in a user's project, for every model, with one import", async () => {
    const modules: Record<string, string> = {};
    for (const name of shippedModels) {
      const source = readModel(name);
      const { value } = compile(source, { load: (path) => readModel(path.replace(/\.lvm$/, "")) });
      modules[name] = await emitted(value!.lowered, source, { dataset: 64 });
      expect([...modules[name].matchAll(/^import /gm)]).toHaveLength(1);
      expect(modules[name]).not.toMatch(/: any\b|<any>|as any/);
    }
    const project = userProject(modules);
    try {
      expect(project.compile()).toEqual([]);
    } finally {
      project.remove();
    }
  }, 300_000);
});
