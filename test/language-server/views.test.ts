import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import type { GraphView, ObjectiveView } from "../../src/language-server/features/views.js";
import { type Client, startClient } from "./support/client.js";

const text = `${readFileSync(new URL("../../models/vae.lvm", import.meta.url), "utf8")}
model line(a: real, b: real) {
  b ~ Normal(a, 1)
}
`;

let client: Client | undefined;
afterEach(async () => {
  await client?.close();
  client = undefined;
});

describe("the objective and the graph of a model", () => {
  // Guards that the view is of the model at the cursor, and leads to its lines.
  it("are those at the cursor", async () => {
    client = await startClient();
    const uri = client.open("two.lvm", text);
    const at = (word: string) => ({ line: text.slice(0, text.indexOf(word)).split("\n").length - 1, character: 2 });
    const ask = <T>(method: string, word: string): Promise<T> => client!.connection.sendRequest(method, { textDocument: { uri }, position: at(word) });
    const vae = await ask<ObjectiveView>("lvmc/objective", "guide vae");
    expect([vae.model, vae.mathml.includes("<math"), vae.text.includes("Kullback") || vae.text.includes("KL(")]).toEqual(["vae", true, true]);
    const reconstruction = vae.terms.find(({ name }) => name === "reconstruction.x")!;
    expect(text.split("\n")[reconstruction.range.start.line]!.trim()).toMatch(/^x ~ /);
    expect((await ask<ObjectiveView>("lvmc/objective", "b ~ Normal")).model).toBe("line");
    const graph = await ask<GraphView>("lvmc/graph", "b ~ Normal");
    expect(graph.nodes.map(({ id }) => id).sort()).toEqual(["a", "b"]);
    for (const { id } of graph.nodes) expect(graph.svg).toContain(`data-id="${id}"`);
  });

  // Guards that one model's mistake does not take the other's view away.
  it("are there beside a model with a mistake", async () => {
    client = await startClient();
    const uri = client.open("two.lvm", text.replace("b ~ Normal(a, 1)", "b ~ Normal(c, 1)"));
    const of = (model: string): Promise<ObjectiveView | null> => client!.connection.sendRequest("lvmc/objective", { textDocument: { uri }, model });
    expect((await of("vae"))?.model).toBe("vae");
    expect(await of("line")).toBeNull();
  });
});
