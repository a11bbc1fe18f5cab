import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

/** The version of a package that this installation would load; undefined where there is none. Nothing of it runs. */
export function packageVersion(name: string): string | undefined {
  for (const folder of createRequire(import.meta.url).resolve.paths(name) ?? []) {
    try {
      const { version } = JSON.parse(readFileSync(join(folder, name, "package.json"), "utf8")) as { readonly version?: unknown };
      return typeof version === "string" ? version : "";
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

/** Whether this machine has a device file of a GPU, where systems have such files: Linux alone is asked. Opening a driver to find nothing takes a tenth of a second. */
export function hasGpuFile(): boolean {
  if (process.platform !== "linux") return true;
  return ["/dev/dri/renderD128", "/dev/dri/card0", "/dev/dri/card1", "/dev/nvidia0", "/dev/nvidiactl", "/dev/dxg", "/dev/kgsl-3d0", "/dev/mali0"].some((path) => existsSync(path));
}

