// The rules of the gate, with what each means and what to do. SARIF lists them, and findings name them.

export type Level = 'error' | 'warning' | 'note'

export interface Rule {
  readonly id: string
  readonly level: Level
  readonly title: string
  /** what to do */
  readonly help: string
}

const rule = (id: string, level: Level, title: string, help: string): Rule => ({ id, level, title, help })

export const rules: readonly Rule[] = [
  rule('bad-input', 'error', 'Something cannot be read, or Kubernetes or Cilium would refuse it', 'Nothing else was checked: correct this first.'),
  rule('memory-limit', 'error', 'The load balancer\'s maps take more memory than is allowed', 'Take a smaller table size (maglev.tableSize) and mind that it moves more flows, or fewer frontends: every port on every address has a table of its own.'),
  rule('pressure-limit', 'error', 'A map is fuller than is allowed', 'Raise the map\'s size.'),
  rule('convergence-limit', 'error', 'A rolling restart takes longer to be live than is allowed', 'Fewer ports or addresses on the service: each has a table of its own, and every update of one waits for an RCU grace period.'),
  rule('disruption-limit', 'error', 'A backend that leaves moves more flows without need than is allowed', 'Take a larger table size (maglev.tableSize).'),
  rule('map-too-small', 'error', 'A map does not hold these services', 'Raise the map\'s size: services beyond it are not programmed.'),
  rule('ids-exhausted', 'error', 'There are not enough revNAT ids', 'Fewer ports, node ports or node addresses: every port on every address takes one of 65534.'),
  rule('ids-running-out', 'warning', 'revNAT ids run out', 'Fewer ports, node ports or node addresses: every port on every address takes one of 65534.'),
  rule('map-pressure', 'warning', 'A map is nearly full', 'Raise the map\'s size.'),
  rule('few-slots-per-backend', 'warning', 'A table has few slots for its backends', 'Take a table size of at least 100 slots for each backend of the largest service.'),
  rule('more-backends-than-slots', 'warning', 'A table has fewer slots than backends', 'Take a larger table size: some backends get no traffic.'),
  rule('table-size-capped', 'warning', 'The largest table is too small for the backends', 'Split the service.'),
  rule('weights-ignored', 'warning', 'Weights have no effect', 'Raise the weights so that they average at least 2, and use release 1.13 or later.'),
  rule('not-judged', 'warning', 'Something of the cluster is not in these files', 'Add it as the cluster has it: kubectl get services,endpointslices,nodes -A -o yaml; addresses of nodes with --node-addresses too.'),
  rule('misspelt', 'warning', 'Nearly the name of something that is read', 'Correct the name: what it says is not judged.'),
  rule('unmatched-port', 'warning', 'No endpoint has a port of that name', 'Name the port as the pods of the selector name theirs, in its protocol and its families, or leave the name of a single port out.'),
  rule('no-backend', 'warning', 'A frontend has no backend', 'See that the selector matches pods, and that endpoints of them are ready.'),
  rule('protocol-hidden', 'warning', 'A port is not programmed beside another protocol\'s', 'Run 1.17 or later, or give the protocols different ports or addresses.'),
  rule('cluster-ip-without-table', 'note', 'A ClusterIP has no Maglev table', 'Nothing, unless it is to be reached from outside: then set bpf.lbExternalClusterIP.'),
  rule('random-selection', 'note', 'A frontend is balanced at random', 'Set loadBalancer.algorithm: maglev.'),
  rule('without-effect', 'note', 'A part of an object has no effect', 'Nothing, if it is not meant for the load balancer.'),
  rule('skipped', 'note', 'Not read', 'Nothing, if it is not meant for the load balancer.')
]

export function ruleOf (id: string): Rule {
  return rules.find((one) => one.id === id) ?? rule(id, 'warning', id, '')
}
