// From a packet to a service's address to the backend it goes to: who may, whether the flow or the client has a backend already, which
// one a new flow gets. Included for each family (family.h).

struct OF(flow) {
	ADDRESS client;
	ADDRESS frontend;
	struct ports ports;		// from the client to the service, in the order of the wire
	volatile struct facts *facts;
	const struct packet *packet;
};

#include "layers.h"
#include "transport.h"
#include "select.h"
#include "affinity.h"
#include "source-range.h"
#include "conntrack.h"

// @returns the frontend's entry under the key, 0 for none
static __always_inline const struct lb_service *OF(find_service)(SERVICE_KEY *key, const struct OF(flow) *flow)
{
	const struct lb_service *service;

	key->address = flow->frontend;
	key->dport = flow->ports.destination;
	if (lb_release == RELEASE_SINCE_1_17)
		key->proto = flow->facts->protocol;
	service = bpf_map_lookup_elem(&SERVICES, key);
	if (!lb_east_west || !service || !(service->flags2 & SERVICE2_TWO_SCOPES))
		return service;
	key->scope = SCOPE_INTERNAL;
	return bpf_map_lookup_elem(&SERVICES, key);
}

// What an address with services does with everything else from outside; pods are let through to it. @returns whether it is one
static __always_inline int OF(is_virtual)(const ADDRESS *address)
{
	SERVICE_KEY key = { .address = *address };

	if (lb_east_west)
		return 0;
	return bpf_map_lookup_elem(&SERVICES, &key) != 0;
}

// Cilium 1.17 and later: a flow stays with a backend that is on its way out; only when it is gone, or the client begins anew, another is
// selected. @returns the connection's backend, 0 for none
static __always_inline const BACKEND *OF(backend_of_connection)(const struct OF(flow) *flow, const struct ct_entry *entry, __u32 *id)
{
	const BACKEND *backend;

	*id = entry->backend_id;
	backend = bpf_map_lookup_elem(&BACKENDS, id);
	return backend && flow->facts->tcp_flags & TCP_SYN && backend->flags != BACKEND_ACTIVE ? 0 : backend;
}

// @returns 0, or the outcome that ends the packet
static __always_inline int OF(select_backend)(
	const struct OF(flow) *flow, SERVICE_KEY *key, const struct lb_service *service, __u32 *id, const BACKEND **backend)
{
	int failed = OF(select)(flow, key, service, id);

	if (failed)
		return failed;
	if (!*id)
		return DROPPED_BACKEND_ID_ZERO;
	*backend = bpf_map_lookup_elem(&BACKENDS, id);
	return *backend ? 0 : DROPPED_BACKEND_MISSING;
}

// For a flow that is not remembered. @returns 0, or the outcome that ends the packet
static __always_inline int OF(backend_of_flow)(
	const struct OF(flow) *flow, SERVICE_KEY *key, const struct lb_service *service, __u32 *id, const BACKEND **backend)
{
	if (service->flags & SERVICE_AFFINITY) {
		*id = OF(affinity_backend)(&flow->client, service);
		if (*id) {
			*backend = bpf_map_lookup_elem(&BACKENDS, id);
			if (*backend)
				return 0;
		}
	}
	return OF(select_backend)(flow, key, service, id, backend);
}

static __always_inline void OF(stay)(const struct OF(flow) *flow, const struct lb_service *service, __u32 id)
{
	if (service->flags & SERVICE_AFFINITY && flow->facts->shape != SHAPE_ERROR)
		OF(affinity_seen)(&flow->client, service, id);
}

static __always_inline int OF(may_use)(const struct OF(flow) *flow, const struct lb_service *service)
{
	int denies = (service->flags2 & SERVICE2_RANGES_DENY) != 0;

	return OF(is_in_ranges)(&flow->client, service) != denies;
}

// Before 1.17 a connection counts only while its service is the one that it was made to.
static __always_inline struct ct_entry *OF(connection_of)(CT_TUPLE *key, const struct OF(flow) *flow, const struct lb_service *service)
{
	struct ct_entry *entry;

	OF(connection_key)(key, flow, &flow->frontend, CT_SERVICE);
	entry = OF(find_connection)(key, flow->facts->tcp_flags);
	return entry && lb_release == RELEASE_UP_TO_1_16 && entry->rev_nat_index != service->rev_nat_index ? 0 : entry;
}

// What the packet leaves behind. @returns 0, or the outcome that ends the packet
static __always_inline int OF(remember)(
	const struct OF(flow) *flow, const CT_TUPLE *connection, struct ct_entry *entry, const struct lb_service *service, __u32 id,
	const BACKEND *backend)
{
	int failed;

	if (entry) {
		entry->backend_id = id;
		OF(connection_seen)(entry, flow, CT_TX_CLOSING);
	} else {
		failed = OF(create_connection)(connection, flow, id, service->rev_nat_index);
		if (failed)
			return failed;
	}
	return returns_directly(service, flow->facts->protocol) ? 0 : OF(remember_backend)(flow, backend, service->rev_nat_index);
}

// The same with memory. @returns 0, or the outcome that ends the packet
static __always_inline int OF(backend_of_remembered_flow)(
	const struct OF(flow) *flow, SERVICE_KEY *key, const struct lb_service *service, __u32 *id, const BACKEND **backend)
{
	CT_TUPLE connection;
	struct ct_entry *entry = OF(connection_of)(&connection, flow, service);
	int failed;

	*backend = 0;
	if (entry) {
		*backend = OF(backend_of_connection)(flow, entry, id);
	} else if (service->flags & SERVICE_AFFINITY) {
		*id = OF(affinity_backend)(&flow->client, service);
		if (*id)
			*backend = bpf_map_lookup_elem(&BACKENDS, id);
	}
	if (!*backend) {
		failed = OF(select_backend)(flow, key, service, id, backend);
		if (failed)
			return failed;
	}
	if (flow->facts->shape == SHAPE_ERROR)
		return 0;
	return OF(remember)(flow, &connection, entry, service, *id, *backend);
}

// @returns 0 with the backend, or the outcome that ends the packet
static __always_inline int OF(find_backend)(
	const struct OF(flow) *flow, SERVICE_KEY *key, const struct lb_service *service, const BACKEND **backend)
{
	__u32 id;
	int failed;

	if (service->flags & SERVICE_SOURCE_RANGE && !lb_east_west && !OF(may_use)(flow, service))
		return DROPPED_SOURCE_RANGE;
	if (service->flags2 & SERVICE2_L7)
		return PASSED_PROXY;
	if (!service->count)
		return DROPPED_NO_BACKEND;
	failed = enable_conntrack
		? OF(backend_of_remembered_flow)(flow, key, service, &id, backend)
		: OF(backend_of_flow)(flow, key, service, &id, backend);
	if (failed)
		return failed;
	OF(stay)(flow, service, id);
	return 0;
}
