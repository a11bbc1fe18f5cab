// Makes the .vsix of editors/vscode: node scripts/package-vscode.mjs [--out FILE].
//
// Vite, which the repository has, bundles; esbuild would be one more tool, and its npm package downloads a binary where its platform's package is missing. A .vsix is a zip with two
// files about itself, so it is written here: vsce brings some 200 packages, a keyring and a cloud's identity among them, and needs a newer Node.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, extname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { strToU8, zipSync } from "fflate";
import { build } from "vite";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = join(root, "editors", "vscode");
const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
const version = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version;
const outAt = process.argv.indexOf("--out");
const out = outAt < 0 ? join(folder, `${manifest.name}-${manifest.version}.vsix`) : resolve(process.argv[outAt + 1] ?? "");

/** Packages in the bundles, by folder. */
const packages = new Set();

/** One file from a TypeScript entry with all that it imports. */
async function bundle(entry, { format, platform, external = [] }) {
  const { output } = await build({
    configFile: false,
    root,
    logLevel: "error",
    define: { LVMC_VERSION: JSON.stringify(version) },
    // Chevrotain ships as 600 files and as one.
    resolve: { alias: { chevrotain: join(root, "node_modules/chevrotain/lib/chevrotain.min.mjs") } },
    ...(platform === "node" ? { ssr: { noExternal: true, target: "node" } } : {}),
    build: {
      ...(platform === "node" ? { ssr: join(folder, entry) } : { lib: { entry: join(folder, entry), formats: [format], name: "page" }, modulePreload: false }),
      target: platform === "node" ? "node20" : "es2022",
      write: false,
      minify: true,
      sourcemap: false,
      rolldownOptions: { external, output: { format, codeSplitting: false } },
    },
  }).then((made) => (Array.isArray(made) ? made[0] : made));
  const [chunk, ...rest] = output;
  if (rest.length > 0) throw new Error(`${entry} became several files: ${rest.map(({ fileName }) => fileName).join(", ")}`);
  for (const id of Object.keys(chunk.modules)) {
    const at = id.lastIndexOf(`${sep}node_modules${sep}`);
    if (at < 0) continue;
    const name = id.slice(at + 14).split(sep);
    packages.add(join(id.slice(0, at + 14), ...name.slice(0, name[0].startsWith("@") ? 2 : 1)));
  }
  return chunk.code;
}

/** Licences of what is in the bundles. */
function notices() {
  const parts = [...packages].sort().map((path) => {
    const { name, version: its, license } = JSON.parse(readFileSync(join(path, "package.json"), "utf8"));
    const file = readdirSync(path).find((each) => /^licen[cs]e/i.test(each));
    return `${name} ${its} (${license})\n\n${file ? readFileSync(join(path, file), "utf8").trim() : `Its package holds no text of the licence: ${license}.`}\n`;
  });
  return `Parts of other packages are in this extension's bundled files.\n\n${parts.join(`\n${"-".repeat(80)}\n\n`)}`;
}

const escape = (text) => text.replace(/[&<>"]/g, (character) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[character]);

function vsixManifest() {
  const property = (id, value) => `      <Property Id="Microsoft.VisualStudio.Code.${id}" Value="${escape(value)}"/>`;
  const asset = (type, path) => `    <Asset Type="Microsoft.VisualStudio.${type}" Path="extension/${path}" Addressable="true"/>`;
  return `<?xml version="1.0" encoding="utf-8"?>
<PackageManifest Version="2.0.0" xmlns="http://schemas.microsoft.com/developer/vsx-schema/2011" xmlns:d="http://schemas.microsoft.com/developer/vsx-schema-design/2011">
  <Metadata>
    <Identity Language="en-US" Id="${escape(manifest.name)}" Version="${escape(manifest.version)}" Publisher="${escape(manifest.publisher)}"/>
    <DisplayName>${escape(manifest.displayName)}</DisplayName>
    <Description xml:space="preserve">${escape(manifest.description)}</Description>
    <Tags>${escape([...manifest.keywords, "lvm", "__ext_lvm"].join(","))}</Tags>
    <Categories>${escape(manifest.categories.join(","))}</Categories>
    <GalleryFlags>Public</GalleryFlags>
    <Properties>
${property("Engine", manifest.engines.vscode)}
${property("ExtensionDependencies", "")}
${property("ExtensionPack", "")}
${property("ExtensionKind", manifest.extensionKind.join(","))}
${property("LocalizedLanguages", "")}
${property("ExecutesCode", "true")}
    </Properties>
    <License>extension/LICENSE.txt</License>
    <Icon>extension/${manifest.icon}</Icon>
  </Metadata>
  <Installation>
    <InstallationTarget Id="Microsoft.VisualStudio.Code"/>
  </Installation>
  <Dependencies/>
  <Assets>
${asset("Code.Manifest", "package.json")}
${asset("Services.Content.Details", "README.md")}
${asset("Services.Content.Changelog", "CHANGELOG.md")}
${asset("Services.Content.License", "LICENSE.txt")}
${asset("Services.Icons.Default", manifest.icon)}
  </Assets>
</PackageManifest>
`;
}

const contentTypes = { ".json": "application/json", ".vsixmanifest": "text/xml", ".cjs": "application/javascript", ".mjs": "application/javascript", ".js": "application/javascript", ".css": "text/css", ".md": "text/markdown", ".txt": "text/plain", ".png": "image/png" };

function contentTypesXml(names) {
  const extensions = [...new Set(names.map((name) => extname(name)))].sort();
  const lines = extensions.map((each) => {
    if (!contentTypes[each]) throw new Error(`no content type for ${each}`);
    return `<Default Extension="${each}" ContentType="${contentTypes[each]}"/>`;
  });
  return `<?xml version="1.0" encoding="utf-8"?>\n<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">${lines.join("")}</Types>\n`;
}

/** The extension's own files, by their path in it. */
function ownFiles() {
  const single = ["README.md", "CHANGELOG.md", "language-configuration.json", manifest.icon];
  const whole = ["syntaxes", "snippets", "walkthrough"].flatMap((name) => readdirSync(join(folder, name)).map((file) => `${name}/${file}`));
  return Object.fromEntries([...single, ...whole].map((name) => [name, new Uint8Array(readFileSync(join(folder, name)))]));
}

// Its sources are modules, its one file is not.
const { private: _, type: __, ...published } = manifest;
const files = {
  ...ownFiles(),
  "package.json": strToU8(`${JSON.stringify(published, null, 2)}\n`),
  "LICENSE.txt": new Uint8Array(readFileSync(join(folder, "LICENSE"))),
  // Where the server's links from codes lead: two folders above its file.
  "docs/diagnostics.md": new Uint8Array(readFileSync(join(root, "docs", "diagnostics.md"))),
  "dist/extension.cjs": strToU8(await bundle("src/extension.ts", { format: "cjs", platform: "node", external: ["vscode"] })),
  "dist/server/main.mjs": strToU8(await bundle("src/server.ts", { format: "es", platform: "node" })),
  "dist/page/view.js": strToU8(await bundle("src/webview/view.ts", { format: "iife", platform: "browser" })),
  "dist/page/view.css": new Uint8Array(readFileSync(join(folder, "media", "view.css"))),
};
files["THIRD-PARTY-NOTICES.txt"] = strToU8(notices());

const names = Object.keys(files).sort();
const entries = { "extension.vsixmanifest": strToU8(vsixManifest()) };
for (const name of names) entries[`extension/${name}`] = files[name];
const all = { "[Content_Types].xml": strToU8(contentTypesXml(Object.keys(entries))), ...entries };
// The same files give the same bytes, whenever they are packed.
const packed = zipSync(all, { level: 9, mtime: new Date(2020, 0, 1) });
if (!existsSync(dirname(out))) mkdirSync(dirname(out), { recursive: true });
writeFileSync(out, packed);
console.log(`${relative(process.cwd(), out)}: ${names.length} files, ${(packed.length / 1024).toFixed(0)} KiB`);
