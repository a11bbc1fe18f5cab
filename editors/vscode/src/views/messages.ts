/** What the extension and the pages of its views say to each other. */
export type ToPage =
  | {
      readonly kind: "show";
      readonly model: string;
      /** Markup of the server; the page takes over what its lists allow. */
      readonly markup: string;
      /** What leads to the source: `data-id` of nodes, or titles of terms. */
      readonly targets: readonly string[];
      /** The target at the cursor. */
      readonly active?: string;
    }
  | { readonly kind: "active"; readonly active?: string }
  | { readonly kind: "empty" };

export type FromPage = { readonly kind: "ready" } | { readonly kind: "open"; readonly target: string };

/** A page can be made to say anything: what is no message is none. */
export function readFromPage(given: unknown): FromPage | undefined {
  if (typeof given !== "object" || given === null) return undefined;
  const { kind, target } = given as { readonly kind?: unknown; readonly target?: unknown };
  if (kind === "ready") return { kind };
  return kind === "open" && typeof target === "string" ? { kind, target } : undefined;
}
