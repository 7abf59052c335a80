// No #pragma once: what differs between the address families and is said once for both is in headers which are included twice,
// after FAMILY has been set to 4 and to 6. A name OF(x) is x4 or x6 there.

#undef OF
#undef ADDRESS
#undef SERVICE_KEY
#undef BACKEND
#undef CT_TUPLE
#undef AFFINITY_KEY
#undef FRAGMENT_ID
#undef RANGE_KEY
#undef SERVICES
#undef BACKENDS
#undef REVERSE_NAT
#undef REVERSE_NAT_ENTRY
#undef CONNECTIONS
#undef AFFINITY
#undef SOURCE_RANGES
#undef FRAGMENTS
#undef FORWARDED

#if FAMILY == 4
#define OF(name) name##4
#define ADDRESS be32
#define SERVICE_KEY struct lb4_key
#define BACKEND struct lb4_backend
#define CT_TUPLE struct ct4_tuple
#define AFFINITY_KEY struct lb4_affinity_key
#define FRAGMENT_ID struct fragment4_id
#define RANGE_KEY struct lb4_range_key
#define REVERSE_NAT_ENTRY struct lb4_reverse_nat
#define SERVICES cilium_lb4_services_v2
#define BACKENDS cilium_lb4_backends_v3
#define REVERSE_NAT cilium_lb4_reverse_nat
#define CONNECTIONS cilium_ct4_global
#define AFFINITY cilium_lb4_affinity
#define SOURCE_RANGES cilium_lb4_source_range
#define FRAGMENTS cilium_ipv4_frag_datagrams
#define FORWARDED FORWARDED_IPV4
#else
#define OF(name) name##6
#define ADDRESS union ipv6_address
#define SERVICE_KEY struct lb6_key
#define BACKEND struct lb6_backend
#define CT_TUPLE struct ct6_tuple
#define AFFINITY_KEY struct lb6_affinity_key
#define FRAGMENT_ID struct fragment6_id
#define RANGE_KEY struct lb6_range_key
#define REVERSE_NAT_ENTRY struct lb6_reverse_nat
#define SERVICES cilium_lb6_services_v2
#define BACKENDS cilium_lb6_backends_v3
#define REVERSE_NAT cilium_lb6_reverse_nat
#define CONNECTIONS cilium_ct6_global
#define AFFINITY cilium_lb6_affinity
#define SOURCE_RANGES cilium_lb6_source_range
#define FRAGMENTS cilium_ipv6_frag_datagrams
#define FORWARDED FORWARDED_IPV6
#endif
