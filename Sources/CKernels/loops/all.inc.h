// Every loop, and the table of them, for one instruction set.

#include "../vectors.h"

#include "conversion.inc.h"
#include "products.inc.h"
#include "q4.inc.h"
#include "quantization.inc.h"
#include "feedback.inc.h"
#include "rotation.inc.h"
#include "elementary.inc.h"
#include "activation.inc.h"
#include "normalization.inc.h"
#include "convolution.inc.h"
#include "columns.inc.h"
#include "inputs.inc.h"
#include "tiles.inc.h"
#include "byte_products.inc.h"
#include "scan.inc.h"
#include "state_space.inc.h"
#include "gradient.inc.h"
#include "rans.inc.h"

#define VK_QUOTED_EXPANDED(name) #name
#define VK_QUOTED(name) VK_QUOTED_EXPANDED(name)
#ifndef VK_NAME
#define VK_NAME VK_QUOTED(VK_SUFFIX)
#endif
#define VK_ENTRY(kernel) .kernel = VK(kernel),
const vk_table VK(table) = {.instruction_set = VK_NAME, VK_EACH_KERNEL(VK_ENTRY)};
