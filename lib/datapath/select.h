// A backend for a new flow, by the service's algorithm: the Maglev table of its layout, or a slot drawn at random. Included for each
// family (family.h).

static __always_inline int OF(select_random)(SERVICE_KEY *key, const struct lb_service *service, __u32 *id)
{
	const struct lb_service *slot;

	// With Maglev it is the missing table that says so. Pods may use what nobody else may.
	if (!(service->flags & SERVICE_ROUTABLE) && !lb_east_west)
		return DROPPED_NOT_ROUTABLE;
	key->backend_slot = bpf_get_prandom_u32() % service->count + 1;
	slot = bpf_map_lookup_elem(&SERVICES, key);
	if (!slot)
		return DROPPED_NO_SLOT;
	*id = slot->backend_id;
	return 0;
}

static __always_inline __u32 OF(hash)(const struct OF(flow) *flow, const struct lb_service *service)
{
	struct ports ports = flow->ports;

	if (lb_release == RELEASE_UP_TO_1_16)
		return OF(hash_flow)(&flow->client, (__u32)ports.source << 16 | ports.destination, flow->facts->protocol);
	// Clients that stay with a backend shall find it from another node too, where only their address is known again.
	if (service->flags & SERVICE_AFFINITY)
		ports.source = 0;
	return OF(hash_flow)(&flow->client, (__u32)ports.destination << 16 | ports.source, flow->facts->protocol);
}

static __always_inline int OF(select)(const struct OF(flow) *flow, SERVICE_KEY *key, const struct lb_service *service, __u32 *id)
{
	__u16 table = service->rev_nat_index;

	if (is_random(service))
		return OF(select_random)(key, service, id);
	return SELECT_BACKEND(FAMILY, &table, OF(hash)(flow, service), id);
}
