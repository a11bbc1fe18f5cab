import type { ClientCapabilities, Connection, ServerCapabilities } from "vscode-languageserver";
import type { Settings } from "./settings.js";
import type { Workspace } from "./workspace.js";

/** What all features of a server share. */
export interface Server {
  readonly connection: Connection;
  readonly workspace: Workspace;
  readonly client: ClientCapabilities;
  readonly settings: () => Settings;
}

/** One thing that an editor can ask for. */
export interface Feature {
  /** What the client is told. */
  readonly capabilities: (client: ClientCapabilities) => ServerCapabilities;
  /** Answers requests from now on. */
  readonly register: (server: Server) => void;
}
