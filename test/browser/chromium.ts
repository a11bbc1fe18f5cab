import { existsSync } from "node:fs";
import { chromium, type Browser } from "playwright-core";

const places = [process.env["LVMC_CHROMIUM"], "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** A Chromium of this machine; undefined where there is none. `LVMC_CHROMIUM` names another. */
export const chromiumPath = places.find((path) => path !== undefined && existsSync(path));

/** `webgpu`: with WebGPU on SwiftShader, which needs no GPU. */
export function startChromium({ webgpu = false } = {}): Promise<Browser> {
  return chromium.launch({ executablePath: chromiumPath, headless: true, args: ["--no-sandbox", ...(webgpu ? ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"] : ["--disable-gpu"])] });
}
