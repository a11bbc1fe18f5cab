/** A snippet as VS Code has it. */
export interface Snippet {
  readonly prefix: string;
  readonly description: string;
  readonly body: readonly string[];
}

/** What a snippet inserts when every place keeps its default: one text for each way to take the choices, `${1|a,b|}`. */
export function expansions({ body }: Snippet): readonly string[] {
  const text = body.join("\n");
  const defaults = new Map<string, readonly string[]>();
  for (const [, number = "", value = ""] of text.matchAll(/\$\{(\d+):([^}]*)\}/g)) defaults.set(number, [value]);
  for (const [, number = "", values = ""] of text.matchAll(/\$\{(\d+)\|([^}]*)\|\}/g)) defaults.set(number, values.split(/(?<!\\),/).map((each) => each.replaceAll("\\,", ",")));
  const ways = [...defaults].reduce<readonly ReadonlyMap<string, string>[]>((made, [number, values]) => made.flatMap((way) => values.map((value) => new Map([...way, [number, value]]))), [new Map()]);
  return ways.map((way) =>
    text.replace(/\$\{(\d+)(?::[^}]*|\|[^}]*\|)\}|\$(\d+)/g, (whole, braced?: string, bare?: string) => {
      const number = braced ?? bare ?? "";
      if (number === "0") return "";
      const value = way.get(number);
      if (value === undefined) throw new Error(`${whole} has no default`);
      return value;
    }),
  );
}
