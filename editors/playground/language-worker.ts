/** The language server in a worker: the same as in a process, without a disk. */
import { BrowserMessageReader, BrowserMessageWriter, createConnection } from "vscode-languageserver/browser";
import { serve } from "../../src/language-server/server.js";
import { explainedAt } from "./codes.js";

declare const lvmcVersion: string;

// A worker speaks to its page as a page to its worker.
const port = self as unknown as MessagePort;

serve(createConnection(new BrowserMessageReader(port), new BrowserMessageWriter(port)), { read: () => undefined, list: () => [], pageOf: explainedAt }, lvmcVersion);
