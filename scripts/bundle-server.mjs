// Makes one file of the language server. Some 300 small files, those of its packages included, take a quarter of a second to load: as much as an editor should wait in all.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, sep } from "node:path";

/** Writes dist/language-server/stdio.bundle.js with the licences of what it holds, and lets `lvmc lsp` load it. Without Vite, which `npm ci --omit=dev` leaves out, nothing changes. */
export async function bundleServer(root) {
  let vite;
  try {
    vite = await import("vite");
  } catch {
    return;
  }
  const folder = join(root, "dist", "language-server");
  const packages = new Set();
  const collect = {
    name: "packages",
    generateBundle(_options, bundle) {
      for (const { moduleIds = [] } of Object.values(bundle)) for (const id of moduleIds) if (id.includes(`${sep}node_modules${sep}`)) packages.add(packageOf(id));
    },
  };
  await vite.build({
    root, configFile: false, logLevel: "warn", publicDir: false, plugins: [collect], ssr: { noExternal: true },
    build: { ssr: join(folder, "stdio.js"), outDir: folder, emptyOutDir: false, minify: false, target: "node20", rollupOptions: { output: { entryFileNames: "stdio.bundle.js", codeSplitting: false } } },
  });
  const licences = [...packages].filter((each) => each !== undefined).sort().map((each) => {
    const { name } = JSON.parse(readFileSync(join(each, "package.json"), "utf8"));
    const file = readdirSync(each).find((entry) => /^licen[cs]e/i.test(entry));
    if (file === undefined) throw new Error(`${name} has no licence that could stand beside the bundle`);
    return `${name}\n\n${readFileSync(join(each, file), "utf8").trim()}\n`;
  });
  writeFileSync(join(folder, "stdio.bundle.LICENSES.txt"), licences.join(`\n${"─".repeat(80)}\n\n`));
  const command = join(root, "dist", "cli", "commands", "lsp.js");
  writeFileSync(command, readFileSync(command, "utf8").replace('"../../language-server/stdio.js"', '"../../language-server/stdio.bundle.js"'));
}

/** The folder of the package that a module belongs to. */
function packageOf(id) {
  for (let folder = dirname(id.replace(/^\0/, "").split("?")[0]); folder !== dirname(folder); folder = dirname(folder)) {
    const manifest = join(folder, "package.json");
    if (existsSync(manifest) && JSON.parse(readFileSync(manifest, "utf8")).name !== undefined) return folder;
  }
  return undefined;
}
