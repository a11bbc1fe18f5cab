// θ.train: 1 kernel over an arena of 880 words
// Made by lvmc; an engine stands at the end.

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

#define LANES 8
typedef uint32_t word;
typedef unsigned uint;
typedef float vf __attribute__((vector_size(4 * LANES)));
typedef int vi __attribute__((vector_size(4 * LANES)));
typedef unsigned vu __attribute__((vector_size(4 * LANES)));

// The arena `m` seen as values: at any word, of any type.
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
#define EACH_LANE(F, x) F(0, x), F(1, x), F(2, x), F(3, x), F(4, x), F(5, x), F(6, x), F(7, x)
#define LANE_SAME(l, x) (x)
#define LANE_NUMBER(l, x) (l)
#define LANE_ROTATED(l, x) (((l) + (x)) % LANES)
#ifdef __clang__
#define ROTATED(v, by) __builtin_shufflevector(v, v, EACH_LANE(LANE_ROTATED, by))
#else
#define ROTATED(v, by) __builtin_shuffle(v, (vi){EACH_LANE(LANE_ROTATED, by)})
#endif

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

// ---- All lanes into one: halves are combined until one is left.

INLINE float add_lanes_vf(vf x) { x = x + ROTATED(x, 4); x = x + ROTATED(x, 2); x = x + ROTATED(x, 1); return x[0]; }
INLINE float min_lanes_vf(vf x) { x = min_vf(x, ROTATED(x, 4)); x = min_vf(x, ROTATED(x, 2)); x = min_vf(x, ROTATED(x, 1)); return x[0]; }
INLINE float max_lanes_vf(vf x) { x = max_vf(x, ROTATED(x, 4)); x = max_vf(x, ROTATED(x, 2)); x = max_vf(x, ROTATED(x, 1)); return x[0]; }
INLINE int add_lanes_vi(vi x) { x = add_vi(x, ROTATED(x, 4)); x = add_vi(x, ROTATED(x, 2)); x = add_vi(x, ROTATED(x, 1)); return x[0]; }
INLINE int min_lanes_vi(vi x) { x = min_vi(x, ROTATED(x, 4)); x = min_vi(x, ROTATED(x, 2)); x = min_vi(x, ROTATED(x, 1)); return x[0]; }
INLINE int max_lanes_vi(vi x) { x = max_vi(x, ROTATED(x, 4)); x = max_vi(x, ROTATED(x, 2)); x = max_vi(x, ROTATED(x, 1)); return x[0]; }
INLINE uint add_lanes_vu(vu x) { x = x + ROTATED(x, 4); x = x + ROTATED(x, 2); x = x + ROTATED(x, 1); return x[0]; }
INLINE uint min_lanes_vu(vu x) { x = min_vu(x, ROTATED(x, 4)); x = min_vu(x, ROTATED(x, 2)); x = min_vu(x, ROTATED(x, 1)); return x[0]; }
INLINE uint max_lanes_vu(vu x) { x = max_vu(x, ROTATED(x, 4)); x = max_vu(x, ROTATED(x, 2)); x = max_vu(x, ROTATED(x, 1)); return x[0]; }

// ---- The program.

#define WORDS 880

// y = a·x + 0.1
// models/θ.lvm:2, models/θ.lvm:1
static void kernel_scaled_sum(word *m, int first, int end, const int *indices) {
  for (int group = first; group < end; group++) {
    const int row_0 = mul_i(group, 43);
    const float scale_1 = F(4);
    for (int i_2 = 0; i_2 < 40; i_2 += 8) {
      const int local_index_3 = add_i(row_0, i_2);
      VF(local_index_3 + 446) = fma_vf(splat_vf(scale_1), VF(local_index_3 + 16), splat_vf(0.1f));
    }
    for (int i_4 = 40; i_4 < 43; i_4++) {
      const int index_5 = add_i(row_0, i_4);
      F(index_5 + 446) = fma_f(scale_1, F(index_5 + 16), 0.1f);
    }
  }
}

struct kernel {
  void (*run)(word *m, int first, int end, const int *indices);
  int groups;
  int shared; // among threads; the others are not worth a barrier
};
static const struct kernel kernels[] = {
  {kernel_scaled_sum, 10, 0},
};
struct launch {
  int kernel; // or −1: a loop over the next `length` launches
  int steps;
  int reverse;
  int length;
};
static const struct launch launches[] = {
  {0, 1, 0, 0},
};

// ---- The engine: an arena and a pool of threads. All state is in `engine`, so that a library can serve several modules.

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <dlfcn.h>
#include <sys/mman.h>

#define KERNELS ((int)(sizeof kernels / sizeof kernels[0]))
#define LAUNCHES ((int)(sizeof launches / sizeof launches[0]))
// Loops in each other.
#define DEEPEST 4
#define EXPORT __attribute__((visibility("default")))
// Turns of a spinning thread: about 0.1 ms before an idle one sleeps, and before one at a barrier lets others onto its core.
#define SPINS 2000

typedef struct engine {
  word *m;
  // What was mapped for the arena: larger than it, so that it can begin on a huge page.
  void *mapping;
  size_t mapped;
  int threads;
  pthread_t *workers;
  pthread_mutex_t lock;
  pthread_cond_t wake;
  // What to do: written before `job` is.
  uint steps;
  int only;
  int quit;
  // Words that threads wait for have cache lines of their own.
  _Alignas(64) atomic_uint job;
  _Alignas(64) atomic_uint sleepers;
  _Alignas(64) atomic_int arrived;
  _Alignas(64) atomic_uint phase;
  _Alignas(64) char end;
} engine;

typedef struct worker {
  engine *e;
  int number;
} worker;

static inline void breathe(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb");
#endif
}

// All threads meet; the last to arrive counts the step, while nobody else runs.
static void barrier(engine *e, int step) {
  const uint phase = atomic_load_explicit(&e->phase, memory_order_relaxed);
  if (atomic_fetch_add_explicit(&e->arrived, 1, memory_order_acq_rel) == e->threads - 1) {
    e->m[0] += (uint)step;
    atomic_store_explicit(&e->arrived, 0, memory_order_relaxed);
    atomic_store_explicit(&e->phase, phase + 1, memory_order_release);
    return;
  }
  for (int turn = 0; atomic_load_explicit(&e->phase, memory_order_acquire) == phase; turn++) {
    if (turn < SPINS) breathe();
    else sched_yield();
  }
}

// One thread's way through the launches.
typedef struct walk {
  engine *e;
  int thread;
  int threads;
  // Of the kernel before: its groups were shared, were not, or all threads have met since.
  enum { MET, ALONE, SHARED } before;
  int indices[DEEPEST];
} walk;

// Groups are split evenly, in contiguous ranges. A kernel that is not worth a barrier runs on thread 0, and between two of those nobody needs to meet.
static void run_share(walk *w, const struct kernel *k) {
  engine *e = w->e;
  if (w->threads > 1 && (w->before == SHARED || (w->before == ALONE && k->shared))) barrier(e, 0);
  w->before = k->shared ? SHARED : ALONE;
  if (!k->shared) { if (w->thread == 0) k->run(e->m, 0, k->groups, w->indices); }
  else k->run(e->m, (int)((long long)k->groups * w->thread / w->threads), (int)((long long)k->groups * (w->thread + 1) / w->threads), w->indices);
}

// Launches from `at` to `end`; of kernels all, or one.
static void run_launches(walk *w, const struct launch *at, const struct launch *end, int depth, int only) {
  while (at < end) {
    if (at->kernel >= 0) {
      if (only < 0 || at->kernel == only) run_share(w, &kernels[at->kernel]);
      at++;
      continue;
    }
    const struct launch *after = at + 1 + at->length;
    for (int turn = 0; turn < at->steps; turn++) {
      w->indices[depth] = at->reverse ? at->steps - 1 - turn : turn;
      run_launches(w, at + 1, after, depth + 1, only);
    }
    at = after;
  }
}

static int first_kernel(void) {
  int at = 0;
  while (launches[at].kernel < 0) at++;
  return launches[at].kernel;
}

static void work(engine *e, int thread, int threads, uint steps, int only) {
  walk w = {.e = e, .thread = thread, .threads = threads, .before = MET};
  if (only >= 0) {
    run_launches(&w, launches, launches + LAUNCHES, 0, only);
    if (threads > 1) barrier(e, 0);
    return;
  }
  const int shared = kernels[first_kernel()].shared;
  for (uint s = 0; s < steps; s++) {
    run_launches(&w, launches, launches + LAUNCHES, 0, -1);
    if (threads > 1 && (w.before == SHARED || shared)) { barrier(e, 1); w.before = MET; }
    else if (thread == 0) e->m[0]++;
  }
  if (threads > 1) barrier(e, 0);
}

static void *worker_main(void *argument) {
  const worker self = *(worker *)argument;
  engine *e = self.e;
  free(argument);
  uint seen = 0;
  for (;;) {
    for (int turn = 0; turn < SPINS && atomic_load_explicit(&e->job, memory_order_acquire) == seen; turn++) breathe();
    if (atomic_load_explicit(&e->job, memory_order_acquire) == seen) {
      pthread_mutex_lock(&e->lock);
      atomic_fetch_add(&e->sleepers, 1);
      while (atomic_load(&e->job) == seen) pthread_cond_wait(&e->wake, &e->lock);
      atomic_fetch_sub(&e->sleepers, 1);
      pthread_mutex_unlock(&e->lock);
    }
    seen++;
    if (e->quit) return NULL;
    work(e, self.number, e->threads, e->steps, e->only);
  }
}

// A sleeper counts itself before it looks at `job` for the last time, and `job` is written before sleepers are counted: none is missed.
static void publish(engine *e) {
  atomic_fetch_add(&e->job, 1);
  if (atomic_load(&e->sleepers) == 0) return;
  pthread_mutex_lock(&e->lock);
  pthread_cond_broadcast(&e->wake);
  pthread_mutex_unlock(&e->lock);
}

EXPORT int lvmc_words(void) { return WORDS; }
EXPORT int lvmc_kernels(void) { return KERNELS; }
EXPORT int lvmc_threads(engine *e) { return e->threads; }
EXPORT word *lvmc_arena(engine *e) { return e->m; }

EXPORT void lvmc_run(engine *e, uint steps) {
  int shared = 0;
  for (int k = 0; k < KERNELS; k++) shared |= kernels[k].shared;
  if (e->threads == 1 || !shared) {
    work(e, 0, 1, steps, -1);
    return;
  }
  e->steps = steps;
  e->only = -1;
  publish(e);
  work(e, 0, e->threads, steps, -1);
}

EXPORT void lvmc_run_kernel(engine *e, int k) {
  if (k < 0 || k >= KERNELS) return;
  if (e->threads == 1 || !kernels[k].shared) {
    work(e, 0, 1, 0, k);
    return;
  }
  e->only = k;
  publish(e);
  work(e, 0, e->threads, 0, k);
}

// Ends the threads and gives the arena's memory back, but not its addresses: whoever still looks there sees zeros.
EXPORT void lvmc_dispose(engine *e) {
  if (e->quit) return;
  e->quit = 1;
  publish(e);
  for (int i = 0; i < e->threads - 1; i++) pthread_join(e->workers[i], NULL);
  pthread_mutex_destroy(&e->lock);
  pthread_cond_destroy(&e->wake);
  free(e->workers);
  madvise(e->mapping, e->mapped, MADV_DONTNEED);
}

// The rest, once nobody can look any more.
EXPORT void lvmc_free(engine *e) {
  lvmc_dispose(e);
  munmap(e->mapping, e->mapped);
  free(e);
}

// NULL where memory is short. Fewer threads than asked for where the system gives no more.
EXPORT engine *lvmc_create(int threads) {
  // The library stays where it is for as long as the process lives: threads may still be in it when its last user goes.
  Dl_info self;
  if (dladdr((void *)lvmc_words, &self) && self.dli_fname) dlopen(self.dli_fname, RTLD_NOW | RTLD_NODELETE);
  const size_t page = (size_t)1 << 12, huge = (size_t)1 << 21;
  const size_t bytes = ((size_t)WORDS * 4 + 4 * LANES + page - 1) / page * page, align = bytes >= huge ? huge : 64;
  void *memory = NULL;
  if (posix_memalign(&memory, 64, sizeof(engine))) return NULL;
  engine *e = memset(memory, 0, sizeof(engine));
  e->mapped = bytes + (align == huge ? huge : 0);
  e->workers = calloc((size_t)threads, sizeof(pthread_t));
  e->mapping = mmap(NULL, e->mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (!e->workers || e->mapping == MAP_FAILED) { free(e->workers); free(e); return NULL; }
  e->m = (word *)(((uintptr_t)e->mapping + align - 1) / align * align);
#ifdef MADV_HUGEPAGE
  if (align == huge) madvise(e->m, bytes, MADV_HUGEPAGE);
#endif
  pthread_mutex_init(&e->lock, NULL);
  pthread_cond_init(&e->wake, NULL);
  e->threads = 1;
  // Signals are the main thread's.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  while (e->threads < threads) {
    worker *w = malloc(sizeof(worker));
    if (!w) break;
    *w = (worker){e, e->threads};
    if (pthread_create(&e->workers[e->threads - 1], NULL, worker_main, w)) { free(w); break; }
    e->threads++;
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return e;
}
