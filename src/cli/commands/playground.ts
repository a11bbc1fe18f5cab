import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { extname, join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { readModel } from "../read-model.js";
import { UsageError } from "../errors.js";
import { exitCodes } from "../exit-codes.js";
import type { CommandContext, CommandResult } from "../run.js";

export interface PlaygroundOptions {
  readonly port: number;
  readonly build?: string;
}

const types: Readonly<Record<string, string>> = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".ttf": "font/ttf" };

/** Threads of a page share memory only where it is isolated. */
const headers = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp", "x-content-type-options": "nosniff", "cache-control": "no-cache" };

/** `lvmc playground [FILE]`: serves the page to this machine alone until it is interrupted; `--build DIR` writes it as a folder for any server. */
export async function playground(context: CommandContext, file: string | undefined, options: PlaygroundOptions): Promise<CommandResult> {
  const { io, report } = context;
  const site = builtSite();
  if (options.build !== undefined) {
    const out = resolve(io.cwd, options.build);
    if (existsSync(out) && readdirSync(out).length > 0) throw new UsageError(`--build ${options.build}: the folder is not empty`);
    mkdirSync(out, { recursive: true });
    cpSync(site, out, { recursive: true });
    report.say(`${report.color.green("✓")} the playground → ${options.build}: any web server can show it`);
    return { exit: exitCodes.ok, facts: { out } };
  }
  const hash = file === undefined ? "" : `#${await linkOf(readModel(file, io.cwd).text)}`;
  const server = await listen(site, options.port);
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : options.port;
  const url = `http://localhost:${port}/`;
  report.event("ready", { url });
  report.say(`playground at ${url}${hash}\nCtrl-C ends it`);
  await new Promise<void>((done) => {
    const stop = io.onInterrupt(() => {
      stop();
      done();
    });
  });
  server.closeAllConnections();
  await new Promise<void>((done) => server.close(() => done()));
  return { exit: exitCodes.ok, facts: { url } };
}

/** The folder of the page: what ships, or, in a checkout, what is bundled when it is first asked for and after each build. @throws UsageError */
function builtSite(): string {
  const site = fileURLToPath(new URL("../../playground", import.meta.url));
  const script = fileURLToPath(new URL("../../../scripts/build-playground.mjs", import.meta.url));
  const made = (path: string): number => (existsSync(path) ? statSync(path).mtimeMs : 0);
  const page = join(site, "index.html");
  if (existsSync(script) && made(page) < made(fileURLToPath(new URL("../../build-id", import.meta.url)))) spawnSync(process.execPath, [script, "--quiet"], { stdio: ["ignore", "inherit", "inherit"] });
  if (!existsSync(page)) throw new UsageError("this installation has no playground", "in a checkout: npm ci && npm run build:playground");
  return site;
}

/** The model in the address, as the page's Share button makes it. */
async function linkOf(text: string): Promise<string> {
  const { deflateSync, strToU8 } = await import("fflate");
  return `model=${Buffer.from(deflateSync(strToU8(text), { level: 9 })).toString("base64url")}`;
}

/** A server of one folder for this machine alone. @throws UsageError where the port is taken */
async function listen(site: string, port: number): Promise<Server> {
  const server = createServer((request, response) => {
    const answer = (status: number, type: string, body: string | Uint8Array): void => void response.writeHead(status, { ...headers, "content-type": type }).end(body);
    const path = pathOf(request.url ?? "/");
    const full = path === undefined ? undefined : join(site, path === "/" ? "index.html" : path);
    if ((request.method !== "GET" && request.method !== "HEAD") || full === undefined || !full.startsWith(site + sep)) return answer(404, "text/plain", "not found");
    readFile(full).then((body) => answer(200, types[extname(full)] ?? "application/octet-stream", body), () => answer(404, "text/plain", "not found"));
  });
  await new Promise<void>((done, failed) => {
    server.once("error", (error: NodeJS.ErrnoException) => failed(error.code === "EADDRINUSE" ? new UsageError(`port ${port} is taken`, "choose another: --port 0 takes a free one") : error));
    server.listen(port, "127.0.0.1", done);
  });
  return server;
}

function pathOf(url: string): string | undefined {
  try {
    const path = decodeURIComponent(new URL(url, "http://localhost").pathname);
    return path.includes("\0") ? undefined : path;
  } catch {
    return undefined;
  }
}
