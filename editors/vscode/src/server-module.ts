/** Where the language server is. */
export interface ServerModule {
  /** A JavaScript file. */
  readonly module: string;
  readonly args: readonly string[];
  readonly origin: "setting" | "workspace" | "extension";
}

export interface Places {
  /** Whether the user trusts the workspace's folders: only then is anything of them run. */
  readonly trusted: boolean;
  /** `lvmc.server.path`. */
  readonly configured: string;
  /** `dist/cli/main.js` of the lvmc that the workspace has installed; asked for in trusted workspaces only. */
  readonly installed: () => string | undefined;
  /** The server in the extension. */
  readonly bundled: string;
}

/** The server that the setting names, else the lvmc that the workspace has installed, else the extension's own. In workspaces that are not trusted always the last. */
export function serverModule({ trusted, configured, installed, bundled }: Places): ServerModule {
  if (trusted && configured !== "") return { module: configured, args: ["lsp"], origin: "setting" };
  const own = trusted ? installed() : undefined;
  return own === undefined ? { module: bundled, args: [], origin: "extension" } : { module: own, args: ["lsp"], origin: "workspace" };
}
