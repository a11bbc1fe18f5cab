import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";

const types: Readonly<Record<string, string>> = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".json": "application/json" };

export interface Server {
  readonly address: string;
  /** Paths that were asked for. */
  readonly asked: string[];
  close(): Promise<void>;
}

/** A static server: files of a folder as they are but for those `missing`, with the same headers for each. */
export async function serveFolder(folder: string, pages: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>>, missing: readonly string[] = []): Promise<Server> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname));
    asked.push(path);
    const page = pages[path];
    (page !== undefined ? Promise.resolve(page) : missing.includes(path) ? Promise.reject(new Error("missing")) : readFile(join(folder, path))).then(
      (body) => response.writeHead(200, { "content-type": types[page === undefined ? extname(path) : ".html"] ?? "application/octet-stream", ...headers }).end(body),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: () => new Promise<void>((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    }),
  };
}
