// Connections to services: which backend a flow was given, so that it keeps it while tables change, and under the backend's address
// what its answers are to be translated back to. Entries end with the clock; nobody has to collect them, because one that has ended
// counts as none. Included for each family (family.h).

static __always_inline void OF(connection_key)(CT_TUPLE *key, const struct OF(flow) *flow, const ADDRESS *destination, __u8 flags)
{
	key->destination = *destination;
	key->source = flow->client;
	key->ports = flow->ports;
	key->protocol = flow->facts->protocol;
	key->flags = flags;
}

// @returns the connection's entry, 0 for none that still counts: a SYN on a closing connection begins another one
static __always_inline struct ct_entry *OF(find_connection)(const CT_TUPLE *key, __u8 tcp_flags)
{
	struct ct_entry *entry = bpf_map_lookup_elem(&CONNECTIONS, key);

	if (!entry || entry->lifetime <= clock_seconds())
		return 0;
	if (tcp_flags & TCP_SYN && entry->flags & (CT_RX_CLOSING | CT_TX_CLOSING))
		return 0;
	return entry;
}

static __always_inline void OF(connection_seen)(struct ct_entry *entry, const struct OF(flow) *flow, __u16 closing)
{
	connection_seen(entry, flow->facts->protocol, flow->facts->tcp_flags, OF(ip_bytes)(flow->packet), closing);
}

static __always_inline int OF(create_connection)(const CT_TUPLE *key, const struct OF(flow) *flow, __u32 backend_id, __u16 rev_nat_index)
{
	struct ct_entry entry = { .backend_id = backend_id, .rev_nat_index = rev_nat_index };

	OF(connection_seen)(&entry, flow, CT_TX_CLOSING);
	return bpf_map_update_elem(&CONNECTIONS, key, &entry, BPF_ANY) ? DROPPED_CT_FULL : 0;
}

// The way back from a backend
static __always_inline int OF(remember_backend)(const struct OF(flow) *flow, const BACKEND *backend, __u16 rev_nat_index)
{
	CT_TUPLE key;
	struct ct_entry *entry;

	OF(connection_key)(&key, flow, &backend->address, CT_OUT);
	key.ports.destination = backend->port;
	entry = OF(find_connection)(&key, flow->facts->tcp_flags);
	if (!entry || entry->rev_nat_index != rev_nat_index)
		return OF(create_connection)(&key, flow, 0, rev_nat_index);
	OF(connection_seen)(entry, flow, CT_TX_CLOSING);
	return 0;
}
