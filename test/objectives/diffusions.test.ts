import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { render } from "../../src/diagnostics/render.js";
import { explainObjective } from "../../src/driver/explain.js";

/** What `lvmc explain objective` says of diffusions that are not among models/: read a changed golden as a reader of the derivation would. */
const folder = new URL("diffusions/", import.meta.url);

describe("the derived objective of diffusions", () => {
  for (const file of readdirSync(folder))
    it(file, async () => {
      const { value, diagnostics } = explainObjective({ path: file, text: readFileSync(new URL(file, folder), "utf8") });
      await expect(value?.text ?? render(diagnostics, { color: false })).toMatchFileSnapshot(`golden/diffusions/${file.replace(".lvm", ".txt")}`);
    });
});
