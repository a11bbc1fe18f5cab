import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { extname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { decode } from "fast-png";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { installedProgram } from "../../editors/vscode/src/installed-program.js";
import { serverModule } from "../../editors/vscode/src/server-module.js";
import { modelCommands } from "../../src/language-server/features/code-lens.js";
import { defaultSettings } from "../../src/language-server/settings.js";
import { root, unpackExtension, type Unpacked } from "./support/unpacked-extension.js";

/** Guards the .vsix that `npm run package:vscode` makes: what is in it, and that its extension and server run in a plain Node. */

interface Manifest {
  readonly name: string;
  readonly publisher: string;
  readonly version: string;
  readonly main: string;
  readonly icon: string;
  readonly engines: Readonly<Record<string, string>>;
  readonly capabilities: Readonly<Record<"untrustedWorkspaces" | "virtualWorkspaces", { readonly supported: unknown; readonly restrictedConfigurations?: readonly string[] }>>;
  readonly contributes: {
    readonly languages: readonly { readonly id: string; readonly extensions: readonly string[]; readonly configuration: string }[];
    readonly grammars: readonly { readonly path: string; readonly scopeName: string }[];
    readonly snippets: readonly { readonly path: string }[];
    readonly commands: readonly { readonly command: string }[];
    readonly menus: Readonly<Record<string, readonly { readonly command: string }[]>>;
    readonly configuration: { readonly properties: Readonly<Record<string, { readonly default: unknown }>> };
    readonly walkthroughs: readonly { readonly steps: readonly { readonly description: string; readonly media: { readonly markdown: string }; readonly completionEvents?: readonly string[] }[] }[];
  };
}

/** What `run-extension.cjs` prints. */
interface Did {
  readonly commands: readonly string[];
  readonly providers: readonly string[];
  readonly log: readonly string[];
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
  readonly pages: readonly { readonly type: string; readonly html: string; readonly roots: readonly string[] }[];
  readonly messages: readonly { readonly kind: string; readonly model?: string; readonly markup?: string; readonly targets?: readonly string[]; readonly active?: string }[];
  readonly shown: readonly { readonly uri: string; readonly range: { readonly start: object; readonly end: object } }[];
  readonly tasks: readonly { readonly name: string; readonly kind: string; readonly args: readonly unknown[] }[];
}

let extension: Unpacked;
let manifest: Manifest;
let place: string;
beforeAll(() => {
  extension = unpackExtension();
  manifest = JSON.parse(extension.text("extension/package.json")) as Manifest;
  place = mkdtempSync(join(tmpdir(), "lvm-workspace-"));
});
afterAll(() => {
  extension?.remove();
  rmSync(place, { recursive: true, force: true });
});

const model = "model m(x: real) {\n  z: real ~ Normal(0, 1)\n  x ~ Normal(z, 0.5)\n}\n\nguide m {\n  z ~ Normal(0.5 * x, 0.5)\n}\n";

function run(settings: { readonly trusted: boolean; readonly commands: readonly object[]; readonly text?: string }): Did {
  const path = join(place, "m.lvm");
  const given = JSON.stringify({ folders: [place], path, text: model, ...settings });
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, "test/editors/support/run-extension.cjs"), extension.folder, given], { encoding: "utf8", timeout: 100_000 });
  expect(stderr).toBe("");
  expect(status).toBe(0);
  return JSON.parse(stdout) as Did;
}

/** The elements of an XML text, each closed where it must be, by name with their attributes. */
function elementsOf(xml: string): readonly { readonly name: string; readonly attributes: Readonly<Record<string, string>> }[] {
  const open: string[] = [];
  const found: { readonly name: string; readonly attributes: Readonly<Record<string, string>> }[] = [];
  for (const [, closes, name = "", rest = "", empty] of xml.replace(/<\?.*?\?>/g, "").matchAll(/<(\/)?([\w:]+)((?:\s+[\w:]+="[^"<]*")*)\s*(\/)?>/g)) {
    if (closes) expect(open.pop()).toBe(name);
    else {
      found.push({ name, attributes: Object.fromEntries([...rest.matchAll(/([\w:]+)="([^"]*)"/g)].map(([, key, value]) => [key, value])) });
      if (!empty) open.push(name);
    }
  }
  expect(open).toEqual([]);
  expect(xml.replace(/<[^>]*>/g, "")).not.toMatch(/[<>]/);
  return found;
}

describe("the extension's package", () => {
  it("holds these files and no others", () => {
    expect([...extension.files.keys()].sort()).toEqual(
      [
        "[Content_Types].xml", "extension.vsixmanifest",
        ...["CHANGELOG.md", "LICENSE.txt", "README.md", "THIRD-PARTY-NOTICES.txt", "dist/extension.cjs", "dist/page/view.css", "dist/page/view.js", "dist/server/main.mjs", "docs/diagnostics.md", "icon.png", "language-configuration.json", "package.json", "snippets/lvm.json", "syntaxes/lvm.tmLanguage.json", "walkthrough/graph.md", "walkthrough/objective.md", "walkthrough/shapes.md", "walkthrough/train.md", "walkthrough/write.md"].map((name) => `extension/${name}`),
      ].sort(),
    );
    expect(extension.size).toBeLessThan(1024 ** 2);
  });

  it("says nothing of the machine that made it, and holds no source maps", () => {
    for (const name of extension.files.keys()) {
      if (name.endsWith(".png")) continue;
      const text = extension.text(name);
      for (const path of [root, root.slice(0, -1), pathToFileURL(root).pathname, homedir(), tmpdir()].filter((each) => each.length > 5)) expect(text.includes(path), `${path} in ${name}`).toBe(false);
      expect(text.includes("sourceMappingURL"), name).toBe(false);
    }
  });

  it("has a manifest of its files that an editor can read", () => {
    const elements = elementsOf(extension.text("extension.vsixmanifest"));
    const attributesOf = (name: string) => elements.filter((each) => each.name === name).map(({ attributes }) => attributes);
    expect(attributesOf("Identity")).toEqual([{ Language: "en-US", Id: manifest.name, Version: manifest.version, Publisher: manifest.publisher }]);
    expect(attributesOf("PackageManifest")[0]).toMatchObject({ Version: "2.0.0" });
    for (const { Path = "" } of attributesOf("Asset")) expect(extension.files.has(Path), Path).toBe(true);
    expect(attributesOf("Asset").map(({ Type }) => Type)).toContain("Microsoft.VisualStudio.Code.Manifest");
    expect(attributesOf("Property")).toContainEqual({ Id: "Microsoft.VisualStudio.Code.Engine", Value: manifest.engines["vscode"] });
    const types = new Set(elementsOf(extension.text("[Content_Types].xml")).flatMap(({ name, attributes }) => (name === "Default" ? [attributes["Extension"]] : [])));
    for (const name of extension.files.keys()) if (name !== "[Content_Types].xml") expect(types.has(extname(name)), name).toBe(true);
  });

  it("names only what is in it", () => {
    const { contributes } = manifest;
    const paths = [manifest.main, manifest.icon, ...contributes.languages.map(({ configuration }) => configuration), ...contributes.grammars.map(({ path }) => path), ...contributes.snippets.map(({ path }) => path), ...contributes.walkthroughs.flatMap(({ steps }) => steps.map(({ media }) => media.markdown))];
    for (const path of paths) expect(extension.files.has(`extension/${path.replace(/^\.\//, "")}`), path).toBe(true);
    const commands = contributes.commands.map(({ command }) => command);
    const used = [
      ...Object.values(contributes.menus).flatMap((each) => each.map(({ command }) => command)),
      ...contributes.walkthroughs.flatMap(({ steps }) => steps.flatMap(({ description, completionEvents = [] }) => [...[...description.matchAll(/\(command:(lvmc\.\w+)/g)].map(([, name = ""]) => name), ...completionEvents.flatMap((event) => (event.startsWith("onCommand:") ? [event.slice(10)] : []))])),
      ...Object.values(modelCommands),
    ];
    expect(used.filter((name) => !commands.includes(name))).toEqual([]);
    expect(JSON.parse(extension.text("extension/syntaxes/lvm.tmLanguage.json"))).toMatchObject({ scopeName: contributes.grammars[0]?.scopeName });
    expect(contributes.languages[0]).toMatchObject({ id: "lvm", extensions: [".lvm"] });
    const icon = decode(extension.files.get(`extension/${manifest.icon}`)!);
    expect([icon.width, icon.height]).toEqual([128, 128]);
    expect(new Set(icon.data).size).toBeGreaterThan(20);
  });

  it("has the server's settings, and says what it does in folders that are not trusted or not on disk", () => {
    const { properties } = manifest.contributes.configuration;
    expect(properties["lvmc.inlayHints.shapes"]?.default).toBe(defaultSettings.inlayHints.shapes);
    expect(properties["lvmc.inlayHints.estimators"]?.default).toBe(defaultSettings.inlayHints.estimators);
    expect(properties["lvmc.codeLens"]?.default).toBe(defaultSettings.codeLens);
    expect(Object.keys(properties)).toEqual(expect.arrayContaining(["lvmc.server.path", "lvmc.trace.server"]));
    expect(manifest.capabilities.untrustedWorkspaces).toMatchObject({ supported: "limited", restrictedConfigurations: ["lvmc.server.path"] });
    expect(manifest.capabilities.virtualWorkspaces.supported).toBe("limited");
  });

  it("has the licence of every package that is bundled", () => {
    const notices = extension.text("extension/THIRD-PARTY-NOTICES.txt");
    for (const name of ["vscode-languageclient", "vscode-languageserver", "vscode-jsonrpc", "chevrotain", "@dagrejs/dagre", "semver", "minimatch"]) expect(notices).toMatch(new RegExp(`^${name} \\d`, "m"));
    expect(notices).toMatch(/permission/i);
  });
});

describe("the extension", () => {
  it("starts its server, registers every command, and shows a model's graph that follows the cursor and leads to the source", () => {
    const did = run({ trusted: false, commands: [{ name: "lvmc.showGraph", target: "z", line: 1 }, { name: "lvmc.train" }] });
    expect(did.errors).toEqual([]);
    expect(did.commands).toEqual(expect.arrayContaining(manifest.contributes.commands.map(({ command }) => command)));
    expect(new Set(did.providers)).toEqual(new Set(["registerHoverProvider", "registerCompletionItemProvider", "registerCodeLensProvider", "registerInlayHintsProvider", "registerDocumentSemanticTokensProvider", "registerDefinitionProvider"]));
    expect(did.log[0]).toBe(`server of the extension: ${join(extension.folder, "dist/server/main.mjs")}`);
    const [shown, moved] = did.messages;
    expect(shown).toMatchObject({ kind: "show", model: "m", targets: ["z", "x"] });
    expect(shown?.markup).toMatch(/^<svg /);
    expect(moved).toEqual({ kind: "active", active: "z" });
    expect(did.shown).toEqual([{ uri: pathToFileURL(join(place, "m.lvm")).href, range: { start: { line: 1, character: 2 }, end: { line: 1, character: 24 } } }]);
    expect(did.pages.map(({ roots }) => roots)).toEqual([[join(extension.folder, "dist/page")]]);
    // The folder is not trusted.
    expect(did.tasks).toEqual([]);
    expect(did.warnings).toHaveLength(1);
  });

  it("shows the objective, keeps the last one of a broken file empty, and trains with the command line", () => {
    const uri = pathToFileURL(join(place, "m.lvm")).href;
    const did = run({ trusted: true, commands: [{ name: "lvmc.showObjective", args: [uri, "m"] }, { name: "lvmc.train", args: [uri, "m"] }] });
    expect(did.errors).toEqual([]);
    expect(did.messages[0]).toMatchObject({ kind: "show", model: "m" });
    expect(did.messages[0]?.markup).toContain("<math");
    expect(did.tasks).toEqual([{ definition: { type: "lvmc", file: join(place, "m.lvm"), model: "m" }, name: "train m", kind: "shell", args: ["lvmc", ["train", join(place, "m.lvm"), "--model", "m"].map((value) => ({ value, quoting: 2 })), { cwd: place }] }]);
    const broken = run({ trusted: true, text: "model m(x: real) {\n  x ~ Nonsense(\n", commands: [{ name: "lvmc.showObjective" }] });
    expect(broken.errors).toEqual([]);
    expect(broken.messages).toEqual([{ kind: "empty" }]);
  });
});

describe("which server is taken", () => {
  const bundled = "/extension/dist/server/main.mjs";

  it("is that of the folder only where the folder is trusted", () => {
    const installed = (): string => "/project/node_modules/lvmc/dist/cli/main.js";
    const never = (): string => {
      throw new Error("an untrusted folder was looked into");
    };
    expect(serverModule({ trusted: false, configured: "/evil.js", installed: never, bundled })).toEqual({ module: bundled, args: [], origin: "extension" });
    expect(serverModule({ trusted: true, configured: "", installed, bundled })).toEqual({ module: installed(), args: ["lsp"], origin: "workspace" });
    expect(serverModule({ trusted: true, configured: "/mine.js", installed, bundled })).toEqual({ module: "/mine.js", args: ["lsp"], origin: "setting" });
    expect(serverModule({ trusted: true, configured: "", installed: () => undefined, bundled }).origin).toBe("extension");
  });

  it("finds the lvmc that a folder, or one above it, has installed", () => {
    const project = join(place, "project");
    const main = join(project, "node_modules/lvmc/dist/cli/main.js");
    mkdirSync(join(project, "models/deep"), { recursive: true });
    expect(installedProgram([project])).toBeUndefined();
    mkdirSync(join(main, ".."), { recursive: true });
    writeFileSync(join(project, "node_modules/lvmc/package.json"), readFileSync(join(root, "package.json")));
    expect(installedProgram([project]), "its program is missing").toBeUndefined();
    writeFileSync(main, "");
    expect(installedProgram([join(project, "models/deep")])).toBe(main);
    expect(installedProgram([place, project])).toBe(main);
    for (const text of ["{", "[]", '{"bin": 3}', '{"bin": {"lvmc": "gone.js"}}']) {
      writeFileSync(join(project, "node_modules/lvmc/package.json"), text);
      expect(installedProgram([project]), text).toBeUndefined();
    }
  });
});
