import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { createProtocolConnection, type Hover, type InitializeResult, type ProtocolConnection, type PublishDiagnosticsParams, StreamMessageReader, StreamMessageWriter } from "vscode-languageserver-protocol/node";
import { lvmc, repository } from "../cli/harness.js";

const main = join(repository, "dist", "cli", "main.js");
const folder = mkdtempSync(join(tmpdir(), "lvmc lsp ü-"));
const root = pathToFileURL(folder).href;

interface Started {
  readonly child: ChildProcessWithoutNullStreams;
  readonly connection: ProtocolConnection;
  readonly exit: Promise<number | null>;
  readonly errors: () => string;
  initialize(processId?: number | null): Promise<InitializeResult>;
}

const running = new Set<ChildProcessWithoutNullStreams>();
afterEach(() => {
  for (const child of running) child.kill("SIGKILL");
  running.clear();
});
afterAll(() => rmSync(folder, { recursive: true }));

function start(): Started {
  const child = spawn(process.execPath, [main, "lsp", "--stdio"], { cwd: folder });
  running.add(child);
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => (errors += String(chunk)));
  const exit = new Promise<number | null>((resolve) => child.on("exit", (code) => resolve(code)));
  const connection = createProtocolConnection(new StreamMessageReader(child.stdout), new StreamMessageWriter(child.stdin));
  connection.listen();
  const initialize = async (processId: number | null = process.pid): Promise<InitializeResult> =>
    connection.sendRequest("initialize", { processId, rootUri: root, workspaceFolders: [{ uri: root, name: "w" }], capabilities: { textDocument: { hover: { contentFormat: ["markdown"] } } } });
  return { child, connection, exit, errors: () => errors, initialize };
}

const text = 'import f from "nets.lvm"\n\nmodel line(x: real, y: real) {\n  y ~ Normal(f(x), -1)\n}\n';

/** The command as editors start it, built (npm test builds it first). */
describe.skipIf(!existsSync(main))("lvmc lsp --stdio", () => {
  // Guards the whole way through a process: files on disk, pages of codes, a folder whose name needs escapes, nothing beside messages on standard output.
  it("lives from initialize to exit, and ends with 0 after a shutdown", async () => {
    writeFileSync(join(folder, "nets.lvm"), "network f(x: real) -> (y: real) {\n  y = 2 * x\n}\n");
    const { connection, exit, errors, initialize } = start();
    const { capabilities, serverInfo } = await initialize();
    expect(serverInfo?.name).toBe("lvmc");
    expect(capabilities).toMatchObject({ hoverProvider: expect.anything() as unknown, definitionProvider: true, renameProvider: expect.anything() as unknown, semanticTokensProvider: { full: { delta: true } } });
    void connection.sendNotification("initialized", {});
    const published = new Promise<PublishDiagnosticsParams>((resolve) => connection.onNotification("textDocument/publishDiagnostics", resolve));
    const uri = `${root}/line.lvm`;
    void connection.sendNotification("textDocument/didOpen", { textDocument: { uri, languageId: "lvm", version: 1, text } });
    const { diagnostics } = await published;
    expect(diagnostics.map(({ code }) => code)).toEqual(["LVM3014"]);
    const page = new URL(diagnostics[0]!.codeDescription!.href);
    expect([existsSync(page), page.hash]).toEqual([true, "#lvm3014"]);
    expect(JSON.stringify((await connection.sendRequest<Hover>("textDocument/hover", { textDocument: { uri }, position: { line: 3, character: 7 } })).contents)).toContain("Normal");
    const definition = await connection.sendRequest<readonly { uri: string }[]>("textDocument/definition", { textDocument: { uri }, position: { line: 3, character: 13 } });
    expect(definition.map((each) => each.uri)).toEqual([`${root}/nets.lvm`]);
    await connection.sendRequest("shutdown");
    void connection.sendNotification("exit");
    expect(await exit).toBe(0);
    expect(errors()).toBe("");
  });

  it("ends with 1 without a shutdown, when it is told so and when its client is gone", async () => {
    const told = start();
    await told.initialize();
    void told.connection.sendNotification("exit");
    expect(await told.exit).toBe(1);
    const left = start();
    await left.initialize();
    left.child.stdin.end();
    expect(await left.exit).toBe(1);
  });

  // Guards editors that are killed while something else keeps the pipe open.
  it("ends when the process of its client is gone", async () => {
    const { pid } = spawnSync(process.execPath, ["-e", ""]);
    const { exit, initialize } = start();
    await initialize(pid);
    expect(await exit).toBe(1);
  }, 30_000);

  it("is not brought down by what is no message", async () => {
    const { child, connection, exit, initialize } = start();
    for (const garbage of ["hello\r\n\r\n", "Content-Length: many\r\n\r\n", "Content-Length: 5\r\n\r\n{nope", "Content-Length: 2\r\n\r\n{}", 'Content-Length: 17\r\n\r\n{"jsonrpc":"2.0"}', "\u0000\u00ff\u{1f600}\r\n\r\n"]) child.stdin.write(garbage);
    // The reader goes on at the next message after each bad one: any will do.
    const more = setInterval(() => void connection.sendNotification("$/more"), 10);
    expect((await initialize().finally(() => clearInterval(more))).serverInfo?.name).toBe("lvmc");
    await expect(connection.sendRequest("textDocument/nothing", {})).rejects.toThrow(/Unhandled method/);
    await connection.sendRequest("shutdown");
    void connection.sendNotification("exit");
    expect(await exit).toBe(0);
  });
});

describe("lvmc lsp", () => {
  it("alone says how it is started", async () => {
    const { code, err } = await lvmc(["lsp"]);
    expect(code).toBe(2);
    expect(err).toContain("lvmc lsp --stdio");
    expect(err).toContain("docs/editors.md");
  });
});
