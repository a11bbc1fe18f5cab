/**
 * The C that every program ends with: an arena, a pool of threads and the few functions that the run time calls. OpenMP is not used:
 * its threads crash Node at exit. Before it stands the table `kernels`.
 */
export const cEngine = `
// ---- The engine: an arena and a pool of threads. All state is in \`engine\`, so that a library can serve several modules.

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
  // What to do: written before \`job\` is.
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

// Launches from \`at\` to \`end\`; of kernels all, or one.
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

// A sleeper counts itself before it looks at \`job\` for the last time, and \`job\` is written before sleepers are counted: none is missed.
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
`;
