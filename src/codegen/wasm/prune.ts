import type { Wat } from "./wat.js";

/**
 * Leaves out assignments to locals that nothing reads: names of indices that went into addresses, mostly. Values have no effects, so they go with
 * them. `used` are the locals that are left. One walk from the last instruction to the first; an assignment in a loop counts the readers before it.
 */
export function prune(body: readonly Wat[]): { readonly body: readonly Wat[]; readonly used: ReadonlySet<string> } {
  const reads = new Map<string, number>();
  const count = (tree: Wat, by: number): void => {
    if (typeof tree === "string") return;
    if (tree[0] === "local.get") reads.set(tree[1] as string, (reads.get(tree[1] as string) ?? 0) + by);
    else for (const child of tree) count(child, by);
  };
  for (const each of body) count(each, 1);
  const pruned = (list: readonly Wat[]): readonly Wat[] => {
    const kept: Wat[] = [];
    for (const each of list.toReversed()) {
      const [head] = each;
      if (typeof each === "string") kept.push(each);
      else if (head === "local.set" && (reads.get(each[1] as string) ?? 0) === 0) count(each[2] as Wat, -1);
      else kept.push(head === "loop" || head === "if" || head === "then" || head === "else" ? [head, ...pruned(each.slice(1))] : each);
    }
    return kept.reverse();
  };
  const text = pruned(body);
  const used = new Set<string>();
  const note = (tree: Wat): void => {
    if (typeof tree === "string") return;
    if (tree[0] === "local.get" || tree[0] === "local.set" || tree[0] === "local.tee") used.add(tree[1] as string);
    for (const child of tree) note(child);
  };
  text.forEach(note);
  return { body: text, used };
}
