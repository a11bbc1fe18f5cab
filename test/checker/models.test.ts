import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { render } from "../../src/diagnostics/render.js";
import { checkFile } from "../support/check-file.js";

const root = fileURLToPath(new URL("../../models", import.meta.url));

describe("the models that ship", () => {
  // Guards: every shipped model is a correct program, without so much as a warning.
  it.each(readdirSync(root).filter((name) => name.endsWith(".lvm")))("%s checks without a diagnostic", (name) => {
    const { value, diagnostics } = checkFile(name, root);
    expect(render(diagnostics, { color: false })).toBe("");
    expect(value.programs.map((program) => program.name)).toContain(name.replace(/\.lvm$/, ""));
  });
});
