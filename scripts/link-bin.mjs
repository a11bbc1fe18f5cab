// Makes `npx lvmc` and `npm exec lvmc` work inside this repository: npm links the commands of dependencies, not the package's own.
import { existsSync, lstatSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const bin = join(root, "node_modules", ".bin");
if (!existsSync(join(root, "node_modules")) || !existsSync(join(root, "dist", "cli", "main.js"))) process.exit(0);

mkdirSync(bin, { recursive: true });
const link = join(bin, "lvmc");
if (lstatSync(link, { throwIfNoEntry: false })) rmSync(link);
if (process.platform === "win32") {
  writeFileSync(`${link}.cmd`, '@node "%~dp0\\..\\..\\dist\\cli\\main.js" %*\r\n');
} else {
  symlinkSync(join("..", "..", "dist", "cli", "main.js"), link);
}
