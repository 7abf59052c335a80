// Fragments: only a datagram's first one carries ports; they are remembered under its id for those that follow. Included for each family
// (family.h).

// @param is_first whether the transport header is in this fragment. @returns 0, or the outcome that ends the packet
static __always_inline int OF(track_fragment)(const FRAGMENT_ID *id, struct ports *ports, int is_first)
{
	struct ports first = *ports;	// a copy: what a helper is given lies on the stack for good
	const struct ports *remembered;

	if (is_first) {
		bpf_map_update_elem(&FRAGMENTS, id, &first, BPF_ANY);
		return 0;
	}
	remembered = bpf_map_lookup_elem(&FRAGMENTS, id);
	if (!remembered)
		return DROPPED_FRAGMENT_UNKNOWN;
	*ports = *remembered;
	return 0;
}
