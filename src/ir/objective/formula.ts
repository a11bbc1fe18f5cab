/** Mathematics as a tree; printed as Unicode text, LaTeX and MathML by `src/objectives/print-*.ts`. */
export type Formula =
  | { readonly kind: "symbol"; readonly name: string }
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "subscript"; readonly base: Formula; readonly subscript: Formula }
  | { readonly kind: "superscript"; readonly base: Formula; readonly superscript: Formula }
  /** f(a, b | c, d; e): `given` and `parameters` may be empty. */
  | { readonly kind: "density"; readonly name: string; readonly of: readonly Formula[]; readonly given: readonly Formula[]; readonly parameters: readonly Formula[] }
  | { readonly kind: "call"; readonly name: string; readonly args: readonly Formula[] }
  | { readonly kind: "sum"; readonly terms: readonly Formula[] }
  | { readonly kind: "product"; readonly factors: readonly Formula[] }
  | { readonly kind: "negative"; readonly of: Formula }
  | { readonly kind: "fraction"; readonly numerator: Formula; readonly denominator: Formula }
  | { readonly kind: "log"; readonly of: Formula }
  | { readonly kind: "expectation"; readonly under: Formula; readonly of: Formula }
  | { readonly kind: "divergence"; readonly left: Formula; readonly right: Formula }
  | { readonly kind: "entropy"; readonly of: Formula }
  | { readonly kind: "big-sum"; readonly index: string; readonly from?: Formula; readonly to?: Formula; readonly of: Formula }
  | { readonly kind: "big-product"; readonly index: string; readonly from?: Formula; readonly to?: Formula; readonly of: Formula }
  /** Several in one place, as an index: `s, t − 1`. */
  | { readonly kind: "list"; readonly items: readonly Formula[] }
  | { readonly kind: "integral"; readonly of: Formula; readonly over: readonly Formula[] }
  | { readonly kind: "relation"; readonly left: Formula; readonly relation: string; readonly right: Formula };
