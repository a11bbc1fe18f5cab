import type { Feature } from "./feature.js";
import { callHierarchy } from "./features/call-hierarchy.js";
import { completion } from "./features/completion.js";
import { codeActions } from "./features/code-actions.js";
import { codeLens } from "./features/code-lens.js";
import { definition } from "./features/definition.js";
import { diagnostics } from "./features/diagnostics.js";
import { fileRename } from "./features/file-rename.js";
import { folding } from "./features/folding.js";
import { formatting } from "./features/formatting.js";
import { hover } from "./features/hover.js";
import { inlayHints } from "./features/inlay-hints.js";
import { links } from "./features/links.js";
import { references } from "./features/references.js";
import { rename } from "./features/rename.js";
import { selection } from "./features/selection.js";
import { semanticTokens } from "./features/semantic-tokens.js";
import { signatureHelp } from "./features/signature-help.js";
import { symbols } from "./features/symbols.js";
import { views } from "./features/views.js";
import { workspaceSymbols } from "./features/workspace-symbols.js";

/** What the server answers, in no order. A new feature is a file in `features/` and a line here. */
export const features: readonly Feature[] = [callHierarchy, codeActions, codeLens, completion, definition, diagnostics, fileRename, folding, formatting, hover, inlayHints, links, references, rename, selection, semanticTokens, signatureHelp, symbols, views, workspaceSymbols];
