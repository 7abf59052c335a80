// Load-time constants, in .rodata: the loader writes a node's own values over these defaults (Cilium's default seed and
// table size). Their offsets are those of structs.ts, in this order.

#pragma once

#include "maps.h"

volatile const __u32 hash_init4_seed = 1910299206;
volatile const __u32 hash_init6_seed = 2454738568;
volatile const __u32 lb_maglev_lut_size = DEFAULT_TABLE_SIZE;	// M, where one M is for all services
