// How a backend table is laid out: the shape of the inner maps and the way from a flow's hash to a backend id. One layout is
// chosen when the program is compiled (-DLAYOUT_BLOB and so on, scripts/build-datapath.sh); everything else is the same in all.
//
// A layout gives:
//   select_backend(family, rev_nat_index, hash, &id)    0, or the outcome that ends the packet
// where family is 4 or 6 and names the outer map, rev_nat_index is as the service holds it, in network order, and hash the
// flow's. Outer maps are keyed by the index as it is; only its two bytes count.

#pragma once

#include "half-table.h"

#if defined(LAYOUT_FLAT)
#include "layout-flat.h"
#elif defined(LAYOUT_FIXED)
#include "layout-fixed.h"
#elif defined(LAYOUT_BLOB)
#include "layout-blob.h"
#elif defined(LAYOUT_DYNAMIC)
#include "layout-dynamic.h"
#elif defined(LAYOUT_PACKED)
#include "layout-packed.h"
#elif defined(LAYOUT_COMPACT)
#include "layout-compact.h"
#else
#error "no layout chosen"
#endif

// with a macro for the family
#define SELECT_BACKEND(family, rev_nat_index, hash, id) select_backend(family, rev_nat_index, hash, id)
