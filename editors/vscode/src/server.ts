import { serveStdio } from "../../../src/language-server/stdio.js";

/** The package script puts lvmc's version here. */
declare const LVMC_VERSION: string;

// The server inside the extension: what `lvmc lsp --stdio` runs, in one file.
serveStdio(LVMC_VERSION);
