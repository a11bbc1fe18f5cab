/**
 * The C that every program begins with: vector types of the program's width and the operations that C itself lacks or leaves undefined.
 * Nothing here depends on a model.
 */
export function cPrelude(lanes: number): string {
  const each = Array.from({ length: lanes }, (_, lane) => `F(${lane}, x)`).join(", ");
  const halves = Array.from({ length: Math.log2(lanes) }, (_, i) => lanes >> (i + 1));
  return `${head(lanes, each)}${scalars}${vectors}${intrinsics}${reductions(halves)}`;
}

const head = (lanes: number, each: string): string => `\
#define _GNU_SOURCE
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

// ---- Values: float, int, unsigned and vectors of them. A bool is an int, 0 or 1; in a vector 0 or -1 (all bits), as comparisons give it.

#define LANES ${lanes}
typedef uint32_t word;
typedef unsigned uint;
typedef float vf __attribute__((vector_size(4 * LANES)));
typedef int vi __attribute__((vector_size(4 * LANES)));
typedef unsigned vu __attribute__((vector_size(4 * LANES)));

// The arena \`m\` seen as values: at any word, of any type.
typedef float float_word __attribute__((may_alias));
typedef int int_word __attribute__((may_alias));
typedef float vf_words __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef int vi_words __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef unsigned vu_words __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
#define F(i) (*(float_word *)(m + (i)))
#define I(i) (*(int_word *)(m + (i)))
#define U(i) (*(m + (i)))
#define VF(i) (*(vf_words *)(m + (i)))
#define VI(i) (*(vi_words *)(m + (i)))
#define VU(i) (*(vu_words *)(m + (i)))
// Hints: words that will be read, or read and written, before long. They may lie outside the arena.
#define READ_SOON(i) __builtin_prefetch(m + (i))
#define UPDATE_SOON(i) __builtin_prefetch(m + (i), 0, 2)

#define INLINE static inline __attribute__((always_inline, unused))
#define EACH_LANE(F, x) ${each}
#define LANE_SAME(l, x) (x)
#define LANE_NUMBER(l, x) (l)
#define LANE_ROTATED(l, x) (((l) + (x)) % LANES)
#ifdef __clang__
#define ROTATED(v, by) __builtin_shufflevector(v, v, EACH_LANE(LANE_ROTATED, by))
#else
#define ROTATED(v, by) __builtin_shuffle(v, (vi){EACH_LANE(LANE_ROTATED, by)})
#endif
`;

const scalars = `
// ---- Scalars. Integers wrap; the conversions saturate and take NaN to 0; min and max give NaN if either is, and -0 is less than +0.

INLINE uint bits_f(float x) { uint r; memcpy(&r, &x, 4); return r; }
INLINE float float_of_bits(uint x) { float r; memcpy(&r, &x, 4); return r; }
INLINE int add_i(int a, int b) { return (int)((uint)a + (uint)b); }
INLINE int sub_i(int a, int b) { return (int)((uint)a - (uint)b); }
INLINE int mul_i(int a, int b) { return (int)((uint)a * (uint)b); }
INLINE int abs_i(int a) { return a < 0 ? sub_i(0, a) : a; }
INLINE int shift_left_i(int a, int by) { return (int)((uint)a << by); }
INLINE int min_i(int a, int b) { return a < b ? a : b; }
INLINE int max_i(int a, int b) { return a > b ? a : b; }
INLINE uint min_u(uint a, uint b) { return a < b ? a : b; }
INLINE uint max_u(uint a, uint b) { return a > b ? a : b; }
INLINE float min_f(float a, float b) { return a == b ? float_of_bits(bits_f(a) | bits_f(b)) : a < b || a != a ? a : b; }
INLINE float max_f(float a, float b) { return a == b ? float_of_bits(bits_f(a) & bits_f(b)) : a > b || a != a ? a : b; }
// min and max with a constant that is a number and no zero that matters.
INLINE float at_most_f(float x, float bound) { return x >= bound ? bound : x; }
INLINE float at_least_f(float x, float bound) { return x <= bound ? bound : x; }
INLINE int int_of_f(float x) { return x >= 2147483648.0f ? INT_MAX : x >= -2147483648.0f ? (int)x : x != x ? 0 : INT_MIN; }
INLINE uint uint_of_f(float x) { return x >= 4294967296.0f ? UINT_MAX : x > -1.0f ? (uint)x : 0; }
// a*b + c in sums of products: rounded once where the machine can.
INLINE float fma_f(float a, float b, float c) {
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
  return __builtin_fmaf(a, b, c);
#else
  return a * b + c;
#endif
}
`;

const vectors = `
// ---- Vectors, lane by lane the same.

INLINE vf splat_vf(float x) { return (vf){EACH_LANE(LANE_SAME, x)}; }
INLINE vi splat_vi(int x) { return (vi){EACH_LANE(LANE_SAME, x)}; }
INLINE vu splat_vu(uint x) { return (vu){EACH_LANE(LANE_SAME, x)}; }
INLINE vi lane_numbers(void) { return (vi){EACH_LANE(LANE_NUMBER, 0)}; }
INLINE vi select_vi(vi c, vi yes, vi no) { return (c & yes) | (~c & no); }
INLINE vu select_vu(vi c, vu yes, vu no) { return (vu)select_vi(c, (vi)yes, (vi)no); }
INLINE vf select_vf(vi c, vf yes, vf no) { return (vf)select_vi(c, (vi)yes, (vi)no); }
INLINE vi add_vi(vi a, vi b) { return (vi)((vu)a + (vu)b); }
INLINE vi sub_vi(vi a, vi b) { return (vi)((vu)a - (vu)b); }
INLINE vi mul_vi(vi a, vi b) { return (vi)((vu)a * (vu)b); }
INLINE vi abs_vi(vi a) { return select_vi(a < splat_vi(0), sub_vi(splat_vi(0), a), a); }
INLINE vf abs_vf(vf a) { return (vf)((vi)a & splat_vi(INT_MAX)); }
INLINE vi shift_left_vi(vi a, vi by) { return (vi)((vu)a << (vu)by); }
INLINE vi min_vi(vi a, vi b) { return select_vi(a < b, a, b); }
INLINE vi max_vi(vi a, vi b) { return select_vi(a > b, a, b); }
INLINE vu min_vu(vu a, vu b) { return select_vu(a < b, a, b); }
INLINE vu max_vu(vu a, vu b) { return select_vu(a > b, a, b); }
INLINE vf min_vf(vf a, vf b) { return select_vf(a == b, (vf)((vi)a | (vi)b), select_vf((a < b) | (a != a), a, b)); }
INLINE vf max_vf(vf a, vf b) { return select_vf(a == b, (vf)((vi)a & (vi)b), select_vf((a > b) | (a != a), a, b)); }
INLINE vf at_most_vf(vf x, vf bound) { return select_vf(x >= bound, bound, x); }
INLINE vf at_least_vf(vf x, vf bound) { return select_vf(x <= bound, bound, x); }
INLINE vi int_of_vf(vf x) {
  const vi high = x >= splat_vf(2147483648.0f), inside = (x >= splat_vf(-2147483648.0f)) & ~high;
  const vi r = __builtin_convertvector(select_vf(inside, x, splat_vf(0.0f)), vi);
  return r + (high & splat_vi(INT_MAX)) + ((x < splat_vf(-2147483648.0f)) & splat_vi(INT_MIN));
}
INLINE vu uint_of_vf(vf x) {
  // The upper half by way of ints: not every machine converts to unsigned.
  const vi high = x >= splat_vf(2147483648.0f), inside = (x > splat_vf(-1.0f)) & (x < splat_vf(4294967296.0f));
  const vf low = select_vf(inside, x - select_vf(high, splat_vf(2147483648.0f), splat_vf(0.0f)), splat_vf(0.0f));
  const vu r = (vu)__builtin_convertvector(low, vi) + ((vu)high & splat_vu(0x80000000u));
  return r | (vu)(x >= splat_vf(4294967296.0f));
}
INLINE vf float_of_vi(vi x) { return __builtin_convertvector(x, vf); }
INLINE vf float_of_vu(vu x) { return __builtin_convertvector(x, vf); }
`;

/** What vector extensions do not offer, by the instructions of the machine; the last branch is plain C. */
const intrinsics = `
#if LANES == 16 && defined(__AVX512F__)
INLINE vf fma_vf(vf a, vf b, vf c) { return (vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c); }
INLINE vf sqrt_vf(vf a) { return (vf)_mm512_sqrt_ps((__m512)a); }
INLINE vf floor_vf(vf a) { return (vf)_mm512_roundscale_ps((__m512)a, 9); }
INLINE vf nearest_vf(vf a) { return (vf)_mm512_roundscale_ps((__m512)a, 8); }
INLINE vi gather_vi(const word *m, vi i) { return (vi)_mm512_i32gather_epi32((__m512i)i, m, 4); }
#elif LANES == 8 && defined(__AVX2__) && defined(__FMA__)
INLINE vf fma_vf(vf a, vf b, vf c) { return (vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c); }
INLINE vf sqrt_vf(vf a) { return (vf)_mm256_sqrt_ps((__m256)a); }
INLINE vf floor_vf(vf a) { return (vf)_mm256_round_ps((__m256)a, 9); }
INLINE vf nearest_vf(vf a) { return (vf)_mm256_round_ps((__m256)a, 8); }
INLINE vi gather_vi(const word *m, vi i) { return (vi)_mm256_i32gather_epi32((const int *)m, (__m256i)i, 4); }
#elif LANES == 4 && defined(__aarch64__)
INLINE vf fma_vf(vf a, vf b, vf c) { return (vf)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b); }
INLINE vf sqrt_vf(vf a) { return (vf)vsqrtq_f32((float32x4_t)a); }
INLINE vf floor_vf(vf a) { return (vf)vrndmq_f32((float32x4_t)a); }
INLINE vf nearest_vf(vf a) { return (vf)vrndnq_f32((float32x4_t)a); }
INLINE vi gather_vi(const word *m, vi i) { return (vi){(int)m[i[0]], (int)m[i[1]], (int)m[i[2]], (int)m[i[3]]}; }
#else
INLINE vf fma_vf(vf a, vf b, vf c) {
#if LANES == 4 && defined(__FMA__)
  return (vf)_mm_fmadd_ps((__m128)a, (__m128)b, (__m128)c);
#else
  return a * b + c;
#endif
}
INLINE vf sqrt_vf(vf a) { for (int l = 0; l < LANES; l++) a[l] = __builtin_sqrtf(a[l]); return a; }
INLINE vf floor_vf(vf a) { for (int l = 0; l < LANES; l++) a[l] = __builtin_floorf(a[l]); return a; }
INLINE vf nearest_vf(vf a) { for (int l = 0; l < LANES; l++) a[l] = __builtin_rintf(a[l]); return a; }
INLINE vi gather_vi(const word *m, vi i) { for (int l = 0; l < LANES; l++) i[l] = (int)m[i[l]]; return i; }
#endif
`;

/** Halves are combined until one lane is left: the same tree on every device. */
function reductions(halves: readonly number[]): string {
  const tree = (combine: (other: string) => string): string => halves.map((half) => ` x = ${combine(`ROTATED(x, ${half})`)};`).join("");
  const lines = (["f", "i", "u"] as const).flatMap((t) => {
    const type = { f: "float", i: "int", u: "uint" }[t];
    return [
      `INLINE ${type} add_lanes_v${t}(v${t} x) {${tree((other) => (t === "i" ? `add_vi(x, ${other})` : `x + ${other}`))} return x[0]; }`,
      ...["min", "max"].map((op) => `INLINE ${type} ${op}_lanes_v${t}(v${t} x) {${tree((other) => `${op}_v${t}(x, ${other})`)} return x[0]; }`),
    ];
  });
  return `\n// ---- All lanes into one: halves are combined until one is left.\n\n${lines.join("\n")}\n`;
}
