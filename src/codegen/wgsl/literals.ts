import type { ElementType } from "../../ir/kernel/nodes.js";

const word = new ArrayBuffer(4);
const [asFloat, asBits] = [new Float32Array(word), new Uint32Array(word)];

/** The bits of a float32. */
export function bitsOf(value: number): number {
  asFloat[0] = value;
  return asBits[0] as number;
}

export const hex = (bits: number): string => `0x${(bits >>> 0).toString(16)}u`;

/**
 * A constant. What WGSL does not have as constants (infinities, NaN), may flush (subnormal numbers) or may take for another (−0) is known only when the
 * kernel runs: its bits, and `launch.y`, which is 0.
 */
export function renderLiteral(value: number, type: ElementType): string {
  switch (type) {
    case "f32":
      return renderFloat(Math.fround(value));
    case "i32":
      return (value | 0) === -(2 ** 31) ? "i32(-2147483648)" : (value | 0) < 0 ? `(${value | 0}i)` : `${value | 0}i`;
    case "u32":
      return `${value >>> 0}u`;
    case "bool":
      return value === 0 ? "false" : "true";
  }
}

/** The same value, but no compiler knows it: WGSL refuses constant expressions that overflow, and others are folded in other arithmetic. */
export function renderHidden(value: number, type: ElementType): string {
  if (type === "bool") return renderLiteral(value, type);
  if (type === "f32") return `bitcast<f32>(${hex(bitsOf(value))} | launch.y)`;
  const hidden = `(${hex(value)} | launch.y)`;
  return type === "u32" ? hidden : `bitcast<i32>${hidden}`;
}

const largest = 3.4028234663852886e38;

/** The shortest decimal that reads back as the same float. */
function renderFloat(value: number): string {
  if (!Number.isFinite(value) || Object.is(value, -0) || (value !== 0 && Math.abs(value) < 2 ** -126)) return renderHidden(value, "f32");
  let text = String(value);
  for (let digits = 1; digits <= 9; digits++) {
    const short = Number(value.toPrecision(digits));
    // What is beyond the largest float is refused, even where it would be rounded to it.
    if (Math.fround(short) !== value || Math.abs(short) > largest) continue;
    text = String(short);
    break;
  }
  return value < 0 ? `(${text}f)` : `${text}f`;
}
