/// The limits of the machine, memory and threads.
#ifndef CKERNELS_MACHINE_H
#define CKERNELS_MACHINE_H

#include <stddef.h>
#include <stdint.h>

// The limits of the machine.

/// Reads every byte once, in wide loads, and returns the exclusive or of all little-endian words of 64
/// bits, the last one padded with zeros: what memory gives at most.
uint64_t vk_read_pass(const void *bytes, size_t count);

/// Multiplies bytes that are one with the best instruction for it, `vk_byte_dot_products()` times a
/// round, and returns the sum modulo 2^32: what the arithmetic units give at most.
int32_t vk_byte_dot_pass(size_t rounds);

/// Products of a round of `vk_byte_dot_pass`; each is multiplied and added.
size_t vk_byte_dot_products(void);

// Memory.

/// Tells the allocator to keep up to 256 MiB of what is freed. Activations are allocated and freed
/// over and over; each time the system took them back, it would clear them anew.
void vk_keep_freed_memory(void);

// Threads.

/// A fixed set of threads that share out the indices of one loop at a time.
typedef struct vk_pool vk_pool;

/// Starts a pool of that many threads, the caller of `vk_pool_run` counted as one (0 is taken as
/// 1).
///
/// Fewer are started if the system refuses more; NULL if memory is short.
vk_pool *vk_pool_create(size_t threads);

/// Ends the threads. The pool must be idle.
void vk_pool_destroy(vk_pool *pool);

/// Threads that take part in a run, the caller included.
size_t vk_pool_threads(const vk_pool *pool);

/// Calls body(context, index) once for each index below count, and returns when all calls have
/// returned.
///
/// Indices are taken in order, by whichever thread is free. Runs from several threads wait for one
/// another. A body must not run the same pool.
void vk_pool_run(
    vk_pool *pool, size_t count, void (*body)(void *context, size_t index), void *context);

#endif
