/** `first`, or `first_2` … when that is taken. */
export function uniqueName(first: string, taken: { has(name: string): boolean }): string {
  if (!taken.has(first)) return first;
  for (let at = 2; ; at++) if (!taken.has(`${first}_${at}`)) return `${first}_${at}`;
}
