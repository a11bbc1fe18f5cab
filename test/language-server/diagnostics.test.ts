import { afterEach, describe, expect, it } from "vitest";
import { type Client, root, startClient } from "./support/client.js";
import { draw } from "./support/fixture.js";

let client: Client | undefined;
afterEach(async () => {
  await client?.close();
  client = undefined;
});

const wrong = `model line(x: real, y: real) {
  y ~ Normal(x, -1)
}
`;

describe("messages of a document", () => {
  // Guards that what the compiler says arrives: place, code, page, words, help.
  it("are sent when it is opened, and again when it changes", async () => {
    client = await startClient();
    const uri = client.open("line.lvm", wrong);
    const [first, ...more] = await client.diagnostics(uri);
    expect(more).toEqual([]);
    expect(draw(wrong, [{ range: first!.range, label: `${String(first!.code)} ${String(first!.message).split("\n")[0]}` }])).toMatchInlineSnapshot(`
      "model line(x: real, y: real) {
        y ~ Normal(x, -1)
                      ^^ LVM3014 \`scale\` of \`Normal\` must be positive: this is -1
      }
      "
    `);
    expect(first!.codeDescription?.href).toBe(`https://example.org/${String(first!.code)}`);
    client.replace(uri, wrong.replace("-1", "1"));
    expect(await client.diagnostics(uri)).toEqual([]);
  });

  // Guards that another place is told with its own address: a network in an imported file.
  it("point into the files that it imports", async () => {
    client = await startClient({ "nets.lvm": "network f(x: real) -> (y: real) {\n  y = 2 * x\n}\n" });
    const uri = client.open("line.lvm", 'import f from "nets.lvm"\n\nmodel line(x: real[2], y: real) {\n  y ~ Normal(f(x), 1)\n}\n');
    const [first] = await client.diagnostics(uri);
    expect(first!.relatedInformation?.map(({ location }) => location.uri)).toContain(`${root}/nets.lvm`);
  });

  // Guards that a file is checked again when one that it imports changes in the editor.
  it("follow an open document that it imports", async () => {
    client = await startClient();
    const nets = client.open("nets.lvm", "network f(x: real) -> (y: real) {\n  y = 2 * x\n}\n");
    const uri = client.open("line.lvm", 'import f from "nets.lvm"\n\nmodel line(x: real, y: real) {\n  y ~ Normal(f(x), 1)\n}\n');
    expect(await client.diagnostics(uri)).toEqual([]);
    const seen = client.published.get(uri);
    client.replace(nets, "network g(x: real) -> (y: real) {\n  y = 2 * x\n}\n");
    while (client.published.get(uri) === seen) await new Promise((wake) => setTimeout(wake, 1));
    expect(client.published.get(uri)!.diagnostics.map(({ code }) => code)).toContain("LVM2013");
  });

  // Guards the pull model (LSP 3.17): a client that asks is not sent anything.
  it("are given to a client that asks", async () => {
    client = await startClient({}, { textDocument: { diagnostic: {} } });
    expect(client.initialized.capabilities.diagnosticProvider).toBeDefined();
    const uri = client.open("line.lvm", wrong);
    const report = await client.connection.sendRequest<{ items: readonly { code: string }[] }>("textDocument/diagnostic", { textDocument: { uri } });
    expect(report.items).toHaveLength(1);
    expect(client.published.get(uri)).toBeUndefined();
  });
});
