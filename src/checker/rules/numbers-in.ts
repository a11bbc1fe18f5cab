import type { Span } from "../../diagnostics/span.js";

/** Places of a part of a file where a whole number stands as a size: in brackets, or as an argument without a name. */
export function numbersIn({ source, start, end }: Span, value: number): readonly Span[] {
  const text = source.text.slice(start, end);
  return [...text.matchAll(/(?<=[[(,]\s*)\d[\d_]*(?=\s*[\]),])/g)]
    .filter(([digits]) => Number(digits.replace(/_/g, "")) === value)
    .map(({ 0: digits, index }) => ({ source, start: start + index, end: start + index + digits.length }));
}
