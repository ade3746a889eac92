/// What the encoder and the decoders of rANS share; docs/format.md defines the bytes.
#ifndef VK_RANS_H
#define VK_RANS_H

#include "include/CKernels.h"

enum {
  RANS_LANES = 32,        // states; byte i belongs to state i % RANS_LANES
  RANS_BITS = 12,         // frequencies add up to 2^RANS_BITS
  RANS_SLOTS = 1 << RANS_BITS,
  RANS_WORD_BITS = 16,    // what moves between a state and the stream at once
  RANS_SYMBOLS = 256,
  RANS_STATE_BYTES = 4 * RANS_LANES,
};

/// The least value of a state, and the one it starts with.
#define RANS_LOWEST (UINT32_C(1) << RANS_WORD_BITS)

#endif
