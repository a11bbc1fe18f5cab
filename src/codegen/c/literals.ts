import type { ElementType } from "../../ir/kernel/nodes.js";

/** A C constant that has exactly this value once it is rounded to its type. */
export function renderLiteral(value: number, type: ElementType): string {
  switch (type) {
    case "f32":
      return renderFloat(Math.fround(value));
    case "i32":
      return (value | 0) === -(2 ** 31) ? "INT_MIN" : String(value | 0);
    case "u32":
      return `${value >>> 0}u`;
    case "bool":
      return value === 0 ? "0" : "1";
  }
}

/** The shortest decimal that reads back as the same float. */
function renderFloat(value: number): string {
  if (Number.isNaN(value)) return '__builtin_nanf("")';
  if (!Number.isFinite(value)) return value > 0 ? "__builtin_inff()" : "(-__builtin_inff())";
  if (Object.is(value, -0)) return "(-0.0f)";
  let text = String(value);
  for (let digits = 1; digits <= 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) !== value) continue;
    text = String(short);
    break;
  }
  const number = `${/[.e]/.test(text) ? text : `${text}.0`}f`;
  return value < 0 ? `(${number})` : number;
}
