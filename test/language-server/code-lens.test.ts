import { afterEach, describe, expect, it } from "vitest";
import type { CodeLens } from "vscode-languageserver-protocol";
import { type Client, startClient } from "./support/client.js";
import { draw } from "./support/fixture.js";

const text = `model line(x: real, y: real) {
  y ~ Normal(x, 1)
}

train line { maximize likelihood }

model broken(x: real) {
  x ~ Normal(z, 1)
}
`;

let client: Client | undefined;
afterEach(async () => {
  await client?.close();
  client = undefined;
});

const lenses = (uri: string): Promise<CodeLens[]> => client!.connection.sendRequest<CodeLens[]>("textDocument/codeLens", { textDocument: { uri } });

describe("what stands above a model", () => {
  // Guards: the commands that editors know, with what they need; `Train` where there is a train block.
  it("is there for each model, broken ones too", async () => {
    client = await startClient();
    const uri = client.open("line.lvm", text);
    const found = await lenses(uri);
    expect(draw(text, found.map(({ range, command }) => ({ range, label: `${command!.title}: ${command!.command}` })))).toMatchInlineSnapshot(`
      "model line(x: real, y: real) {
            ^^^^ Train: lvmc.train
            ^^^^ Objective: lvmc.showObjective
            ^^^^ Graph: lvmc.showGraph
        y ~ Normal(x, 1)
      }

      train line { maximize likelihood }

      model broken(x: real) {
            ^^^^^^ Objective: lvmc.showObjective
            ^^^^^^ Graph: lvmc.showGraph
        x ~ Normal(z, 1)
      }
      "
    `);
    expect(found.map(({ command }) => command!.arguments)).toEqual([...["line", "line", "line"], ...["broken", "broken"]].map((model) => [uri, model]));
  });

  it("can be switched off", async () => {
    client = await startClient({}, {}, { codeLens: false });
    expect(await lenses(client.open("line.lvm", text))).toEqual([]);
  });

  // Guards: an editor without views of its own can show the derivation.
  it("has the derivation as text", async () => {
    client = await startClient();
    const uri = client.open("line.lvm", text);
    expect(client.initialized.capabilities.executeCommandProvider?.commands).toEqual(["lvmc.objectiveText"]);
    const derive = (given: unknown[]): Promise<unknown> => client!.connection.sendRequest("workspace/executeCommand", { command: "lvmc.objectiveText", arguments: given });
    expect(await derive([uri, "line"])).toContain("log p(y | x)");
    expect(await derive([uri])).toBe(await derive([uri, "line"]));
    for (const given of [[uri, "broken"], [uri, 3], ["file:///nowhere.lvm"], [], [null]]) expect(await derive(given)).toBeNull();
  });
});
