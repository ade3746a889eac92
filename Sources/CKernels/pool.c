// Threads that spin for the next loop for about a millisecond, then sleep.
//
// A loop is published as one word: its count and its next index. Threads add one to the word and
// decide from the value returned alone, so a thread that is late for one loop takes a rightful
// index of the next or none.
//
// A thread that loses its processor to another program in the middle of an index holds up the
// whole loop for milliseconds, and so does the caller when it loses its own. When that happens and
// the system says that no second processor is free, the caller works alone until one is, so that
// two threads are not slower than one.
#include "include/CKernels.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
  SPINS_BETWEEN_LOOKS = 256,
  SPIN_NANOSECONDS = 1000000,
  STALL_NANOSECONDS = 300000,
  SOLO_NANOSECONDS = 40000000,
  WINDOW_NANOSECONDS = 10000000
};

/// Indices that fit in the published word, next to as many failed attempts to take one.
static const size_t largest_loop = (size_t)1 << 31;

struct vk_pool {
  _Alignas(128) _Atomic uint64_t loop;  // count in the upper half, next index in the lower
  _Alignas(128) _Atomic size_t done;
  _Alignas(128) _Atomic uint32_t epoch;  // advances with each loop
  _Atomic uint32_t sleepers;
  _Atomic int ending;
  void (*body)(void *, size_t);
  void *context;
  size_t first;
  int alone;  // whether the caller that holds `running` shares nothing
  int64_t solo_until;  // then: when it looks for a free processor again
  int64_t window_start, window_processor;  // what the clocks showed when it last looked
  pthread_mutex_t running;
  pthread_mutex_t sleeping;
  pthread_cond_t woken;
  size_t threads;
  pthread_t workers[];
};

static void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static int64_t nanoseconds_of(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t nanoseconds(void) { return nanoseconds_of(CLOCK_MONOTONIC); }

/// Works off indices until none is left.
static void drain(vk_pool *pool) {
  for (;;) {
    uint64_t loop = atomic_fetch_add_explicit(&pool->loop, 1, memory_order_acq_rel);
    uint64_t index = loop & UINT32_MAX;
    if (index >= loop >> 32) return;
    pool->body(pool->context, pool->first + index);
    atomic_fetch_add_explicit(&pool->done, 1, memory_order_release);
  }
}

/// Returns when the epoch differs from the one seen last, or when the pool ends.
static void await_loop(vk_pool *pool, uint32_t seen) {
  int64_t start = nanoseconds();
  do {
    for (int spin = 0; spin < SPINS_BETWEEN_LOOKS; ++spin) {
      if (atomic_load_explicit(&pool->epoch, memory_order_acquire) != seen) return;
      relax();
    }
  } while (nanoseconds() - start < SPIN_NANOSECONDS);
  pthread_mutex_lock(&pool->sleeping);
  atomic_fetch_add(&pool->sleepers, 1);
  while (atomic_load(&pool->epoch) == seen) pthread_cond_wait(&pool->woken, &pool->sleeping);
  atomic_fetch_sub(&pool->sleepers, 1);
  pthread_mutex_unlock(&pool->sleeping);
}

/// Tells the workers that there is something new. Epoch and sleepers are accessed in one total
/// order: either this thread sees a sleeper, or the sleeper sees the new epoch.
static void announce(vk_pool *pool) {
  atomic_fetch_add(&pool->epoch, 1);
  if (atomic_load(&pool->sleepers) == 0) return;
  pthread_mutex_lock(&pool->sleeping);
  pthread_cond_broadcast(&pool->woken);
  pthread_mutex_unlock(&pool->sleeping);
}

static void *work(void *argument) {
  vk_pool *pool = argument;
  uint32_t seen = 0;
  for (;;) {
    await_loop(pool, seen);
    seen = atomic_load_explicit(&pool->epoch, memory_order_acquire);
    if (atomic_load_explicit(&pool->ending, memory_order_acquire)) return NULL;
    drain(pool);
  }
}

vk_pool *vk_pool_create(size_t threads) {
  if (threads == 0) threads = 1;
  size_t workers = threads - 1, bytes;
  if (__builtin_mul_overflow(workers, sizeof(pthread_t), &bytes)) return NULL;
  if (__builtin_add_overflow(bytes, sizeof(vk_pool) + _Alignof(vk_pool) - 1, &bytes)) return NULL;
  vk_pool *pool = aligned_alloc(_Alignof(vk_pool), bytes / _Alignof(vk_pool) * _Alignof(vk_pool));
  if (!pool) return NULL;
  atomic_init(&pool->loop, 0);
  atomic_init(&pool->done, 0);
  atomic_init(&pool->epoch, 0);
  atomic_init(&pool->sleepers, 0);
  atomic_init(&pool->ending, 0);
  pool->alone = 0;
  pool->solo_until = 0;
  pool->window_start = 0;
  pool->window_processor = 0;
  pthread_mutex_init(&pool->running, NULL);
  pthread_mutex_init(&pool->sleeping, NULL);
  pthread_cond_init(&pool->woken, NULL);
  pool->threads = 1;
  while (pool->threads < threads
         && pthread_create(&pool->workers[pool->threads - 1], NULL, work, pool) == 0) {
    ++pool->threads;
  }
  return pool;
}

void vk_pool_destroy(vk_pool *pool) {
  if (!pool) return;
  atomic_store_explicit(&pool->ending, 1, memory_order_release);
  announce(pool);
  for (size_t i = 0; i + 1 < pool->threads; ++i) pthread_join(pool->workers[i], NULL);
  pthread_cond_destroy(&pool->woken);
  pthread_mutex_destroy(&pool->sleeping);
  pthread_mutex_destroy(&pool->running);
  free(pool);
}

size_t vk_pool_threads(const vk_pool *pool) { return pool->threads; }

/// Whether other programs have work for all processors but the caller's. Where the system does not
/// say so, they have none.
static int processors_are_taken(vk_pool *pool) {
  FILE *file = fopen("/proc/loadavg", "re");
  if (!file) return 0;
  long running = 0;
  if (fscanf(file, "%*f %*f %*f %ld/", &running) != 1) running = 0;
  fclose(file);
  long own = (long)(pool->threads - atomic_load(&pool->sleepers));
  return running - own >= sysconf(_SC_NPROCESSORS_ONLN) - 1;
}

/// Lets the caller work alone for a while if there is no processor for others.
static void consider_solo(vk_pool *pool, int64_t now) {
  pool->alone = processors_are_taken(pool);
  pool->solo_until = now + SOLO_NANOSECONDS;
}

/// Whether the caller is to work alone now.
static int stays_alone(vk_pool *pool, int64_t now) {
  if (pool->alone && now >= pool->solo_until) consider_solo(pool, now);
  return pool->alone;
}

/// Notes how long the caller waited for others after working itself.
static void judge_wait(vk_pool *pool, int64_t start, int64_t wait_start, int64_t now) {
  int64_t waited = now - wait_start;
  if (waited > STALL_NANOSECONDS && waited > wait_start - start) consider_solo(pool, now);
}

/// Notes whether the caller itself had to leave its processor to another program: its own helpers
/// may keep it from the one that is free. Looking takes a system call, so it looks now and then.
static void judge_window(vk_pool *pool, int64_t now) {
  int64_t length = now - pool->window_start;
  if (length < WINDOW_NANOSECONDS) return;
  int64_t processor = nanoseconds_of(CLOCK_THREAD_CPUTIME_ID);
  int64_t worked = processor - pool->window_processor;
  // After a pause, or when another thread called before, the window says nothing.
  if (length < 2 * WINDOW_NANOSECONDS && worked > 0 && worked < length * 3 / 4) {
    consider_solo(pool, now);
  }
  pool->window_start = now;
  pool->window_processor = processor;
}

/// Returns when all indices below `part` are done.
static void await_others(vk_pool *pool, size_t part, int64_t start) {
  int64_t wait_start = 0;
  for (int spin = 0; atomic_load_explicit(&pool->done, memory_order_acquire) != part;) {
    if (wait_start == 0) wait_start = nanoseconds();
    if (++spin < SPINS_BETWEEN_LOOKS) {
      relax();
    } else {
      sched_yield();
    }
  }
  if (wait_start) judge_wait(pool, start, wait_start, nanoseconds());
}

static void run_shared(
    vk_pool *pool, size_t count, void (*body)(void *context, size_t index), void *context,
    int64_t start) {
  for (size_t first = 0; first < count;) {
    size_t part = count - first < largest_loop ? count - first : largest_loop;
    pool->body = body;
    pool->context = context;
    pool->first = first;
    atomic_store_explicit(&pool->done, 0, memory_order_relaxed);
    atomic_store_explicit(&pool->loop, (uint64_t)part << 32, memory_order_release);
    announce(pool);
    drain(pool);
    await_others(pool, part, start);
    first += part;
  }
  judge_window(pool, nanoseconds());
}

void vk_pool_run(
    vk_pool *pool, size_t count, void (*body)(void *context, size_t index), void *context) {
  pthread_mutex_lock(&pool->running);
  int64_t start = nanoseconds();
  if (pool->threads == 1 || count < 2 || stays_alone(pool, start)) {
    for (size_t index = 0; index < count; ++index) body(context, index);
  } else {
    run_shared(pool, count, body, context, start);
  }
  pthread_mutex_unlock(&pool->running);
}
