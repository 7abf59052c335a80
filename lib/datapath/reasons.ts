// What can become of a packet, for people and programs: index of its counter in cilium_metrics, verdict, step, and the
// drop code Cilium uses (bpf/lib/common.h stores it negative). outcomes.h says the same to the program; a test keeps the
// two equal: a C name is the verdict's word (FORWARDED, PASSED, DROPPED) and the name here in capitals.

export type XdpVerdict = 'XDP_ABORTED' | 'XDP_DROP' | 'XDP_PASS' | 'XDP_TX' | 'XDP_REDIRECT'

/** the kernel's enum xdp_action, by value; a program may return any other number too, which the kernel treats as ABORTED */
export const xdpVerdicts: readonly XdpVerdict[] = ['XDP_ABORTED', 'XDP_DROP', 'XDP_PASS', 'XDP_TX', 'XDP_REDIRECT']

export interface Reason {
  readonly index: number
  /** the step of the path that decided */
  readonly name: string
  readonly verdict: 'XDP_TX' | 'XDP_PASS' | 'XDP_DROP'
  /** Cilium's drop code; null for packets that are not dropped */
  readonly code: number | null
  readonly text: string
}

const NO_SERVICE_BACKEND = 158

export const reasons: readonly Reason[] = ([
  ['ipv4', 'XDP_TX', null, 'Sent to a backend, IPv4'],
  ['ipv6', 'XDP_TX', null, 'Sent to a backend, IPv6'],
  ['icmp_error', 'XDP_TX', null, 'ICMP error about a packet of a service, sent to the backend of that flow'],
  ['reply', 'XDP_TX', null, 'Answer of a backend, sent to the client under the service\'s address'],
  ['echo', 'XDP_TX', null, 'Echo request to a virtual address, answered'],
  ['not_ip', 'XDP_PASS', null, 'Not IPv4 or IPv6 below at most one VLAN tag'],
  ['protocol', 'XDP_PASS', null, 'Neither TCP, UDP nor SCTP, nor an ICMP error about a flow to a service'],
  ['no_frontend', 'XDP_PASS', null, 'Not addressed to a service'],
  ['proxy', 'XDP_PASS', null, 'Addressed to a service whose packets go to a proxy on the node'],
  ['truncated', 'XDP_DROP', 134, 'Invalid packet: a header ends beyond the packet'],
  ['bad_header', 'XDP_DROP', 134, 'Invalid packet: the version or header length is wrong'],
  ['fragment', 'XDP_DROP', 157, 'Fragmentation not supported: fragments are not tracked, or those of SCTP'],
  ['fragment_unknown', 'XDP_DROP', 175, 'First logical datagram fragment not found'],
  ['extension_header', 'XDP_DROP', 156, 'Invalid IPv6 extension header: too many, too long, or one that nothing follows'],
  ['unknown_port', 'XDP_DROP', NO_SERVICE_BACKEND, 'Service backend not found: the address is a service\'s, the port is none of its ports'],
  ['source_range', 'XDP_DROP', 177, 'Not in source range: the service is not for this client'],
  ['not_routable', 'XDP_DROP', 174, 'Is a ClusterIP: reached from inside the cluster only'],
  ['no_backend', 'XDP_DROP', NO_SERVICE_BACKEND, 'Service backend not found: the service has no backends'],
  ['no_table', 'XDP_DROP', NO_SERVICE_BACKEND, 'Service backend not found: the frontend has no Maglev table'],
  ['no_table_entry', 'XDP_DROP', NO_SERVICE_BACKEND, 'Service backend not found: the Maglev table has no entry for the flow'],
  ['no_slot', 'XDP_DROP', NO_SERVICE_BACKEND, 'Service backend not found: the services map has no entry at the slot drawn'],
  ['backend_id_zero', 'XDP_DROP', NO_SERVICE_BACKEND, 'Service backend not found: the Maglev table holds 0 for the flow'],
  ['backend_missing', 'XDP_DROP', NO_SERVICE_BACKEND, 'Service backend not found: the Maglev table or slot names a backend that does not exist'],
  ['ct_full', 'XDP_DROP', 155, 'Connection tracking map insertion failed'],
  ['options_full', 'XDP_DROP', 135, 'Invalid header: no room among the IPv4 options for the service\'s address'],
  ['no_headroom', 'XDP_DROP', 141, 'Error writing to packet: no room in front of it']
] as const).map(([name, verdict, code, text], index) => ({ index, name, verdict, code, text }))
