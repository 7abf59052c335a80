// What a flow's packet becomes: an answer, a packet to a backend that answers this way or directly, one that passes or is dropped.
// Included for each family (family.h).

// @param flow of the packet, or of the one that it is about
static __always_inline int OF(forward)(struct xdp_md *ctx, struct packet *packet, const struct OF(flow) *flow)
{
	SERVICE_KEY key = {};
	const struct lb_service *service = OF(find_service)(&key, flow);
	const BACKEND *backend;
	int failed;

	if (!service) {
		if (flow->facts->shape == SHAPE_ERROR)
			return PASSED_PROTOCOL;
		if (OF(is_virtual)(&flow->frontend))
			return DROPPED_UNKNOWN_PORT;
		return enable_conntrack ? OF(reply)(packet, flow) : PASSED_NO_FRONTEND;
	}
	failed = OF(find_backend)(flow, &key, service, &backend);
	if (failed)
		return failed;
	if (!returns_directly(service, flow->facts->protocol)) {
		if (flow->facts->shape == SHAPE_ERROR)
			return OF(relay)(packet, flow, backend);
		OF(translate)(packet, flow, backend);
		swap_macs(packet->ethernet);
		return FORWARDED;
	}
	if (lb_dispatch == DISPATCH_IPIP)
		return OF(wrap)(ctx, packet, &backend->address);
	if (flow->facts->shape == SHAPE_ERROR)
		return OF(relay)(packet, flow, backend);
	OF(translate)(packet, flow, backend);
	if (is_told(flow->facts->protocol, flow->facts->tcp_flags))
		return OF(tell)(ctx, packet, &flow->frontend, flow->ports.destination);
	swap_macs(packet->ethernet);
	return FORWARDED;
}
