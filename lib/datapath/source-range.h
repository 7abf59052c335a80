// Source ranges: prefixes of clients that a service is for, or with the deny flag those it is not for. Included for each family
// (family.h).

static __always_inline int OF(is_in_ranges)(const ADDRESS *client, const struct lb_service *service)
{
	RANGE_KEY key = {
		.prefix_bits = 8 * (sizeof(key) - sizeof(key.prefix_bits)),
		.rev_nat_index = service->rev_nat_index,
		.address = *client
	};

	return bpf_map_lookup_elem(&SOURCE_RANGES, &key) != 0;
}
