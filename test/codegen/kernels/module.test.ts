import { describe, expect, it } from "vitest";
import { compile } from "../../../src/driver/compile.js";
import { emitModule } from "../../../src/driver/emit-module.js";
import { readModel } from "../support/type-check.js";

/** Guards what people read of an emitted module: the objective, the types, the tables and the plan, a line for each tensor and kernel. */
describe("the emitted module of kernels", () => {
  const text = emitModule(compile(readModel("vae")).value!);

  it("is as before, down to where the kernels stand", async () => {
    const whole = await text;
    await expect(whole.slice(0, whole.indexOf("/** What each program in C begins with. */"))).toMatchFileSnapshot("golden/vae.ts.txt");
  });

  it("holds what all programs in C share once", async () => {
    const whole = await text;
    for (const once of ["typedef float vf ", "EXPORT void lvmc_run(", "const cHead", "const cEnd"]) expect(whole.split(once)).toHaveLength(2);
    expect(whole.split("${cHead}").length).toBe(whole.split("${cEnd}").length);
  });
});
