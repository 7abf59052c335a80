// Session affinity: a client stays with its backend until it has not been seen for the service's time. Only with a backend that the
// agent lists for the service: one that was taken from it gets no more packets. Included for each family (family.h).

static __always_inline AFFINITY_KEY OF(affinity_key)(const ADDRESS *client, const struct lb_service *service)
{
	AFFINITY_KEY key = { .client = *client, .rev_nat_index = service->rev_nat_index };

	return key;
}

// @returns the id of the client's backend, 0 when it has none
static __always_inline __u32 OF(affinity_backend)(const ADDRESS *client, const struct lb_service *service)
{
	AFFINITY_KEY key = OF(affinity_key)(client, service);
	const struct lb_affinity_value *value = bpf_map_lookup_elem(&AFFINITY, &key);
	struct lb_affinity_match match = { .rev_nat_index = service->rev_nat_index };
	__u64 timeout = (__u64)(service->backend_id & AFFINITY_SECONDS) * NANOSECONDS;

	if (!value)
		return 0;
	match.backend_id = value->backend_id;
	if (value->last_used + timeout > bpf_ktime_get_ns() && bpf_map_lookup_elem(&cilium_lb_affinity_match, &match))
		return match.backend_id;
	bpf_map_delete_elem(&AFFINITY, &key);
	return 0;
}

static __always_inline void OF(affinity_seen)(const ADDRESS *client, const struct lb_service *service, __u32 backend_id)
{
	AFFINITY_KEY key = OF(affinity_key)(client, service);
	struct lb_affinity_value value = { .last_used = bpf_ktime_get_ns(), .backend_id = backend_id };

	bpf_map_update_elem(&AFFINITY, &key, &value, BPF_ANY);
}
