/** What a page is made of; addresses are those that the editor serves the extension's files at. */
export interface Page {
  readonly title: string;
  /** `webview.cspSource`. */
  readonly source: string;
  readonly script: string;
  readonly style: string;
  /** A new random word for each page. */
  readonly nonce: string;
}

/** The page of a view: empty, with one script and one style of the extension. Nothing is loaded from anywhere else, and nothing inline runs; what is shown comes later, as messages. */
export function pageHtml({ title, source, script, style, nonce }: Page): string {
  const policy = `default-src 'none'; style-src ${source}; script-src 'nonce-${nonce}'; base-uri 'none'; form-action 'none'`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escape(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<link rel="stylesheet" href="${escape(style)}">
</head>
<body>
<main id="content" aria-live="polite"></main>
<script nonce="${escape(nonce)}" src="${escape(script)}"></script>
</body>
</html>
`;
}

function escape(text: string): string {
  const named: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return text.replace(/[&<>"]/g, (character) => named[character]!);
}
