// The part of the simulator that says what Cilium does not.

import { mapPressures, nodeWarnings } from '../loadbalancer/index.ts'
import type { NodeWarning } from '../loadbalancer/index.ts'
import { namedFrontend } from './node-views.ts'
import type { NodeSet } from './node-set.ts'
import type { Simulator, WarningView } from './types.ts'

export function warningOperations (set: NodeSet): Pick<Simulator, 'listWarnings' | 'mapPressures'> {
  return {
    listWarnings: (name) => nodeWarnings(set.get(name).node).map(warningView),
    mapPressures: (name) => {
      const { node, settings } = set.get(name)
      return mapPressures(node.counts(), settings)
    }
  }
}

function warningView ({ code, severity, message, frontend, map }: NodeWarning, id: number): WarningView {
  return { id, code, severity, message, frontend: frontend === null ? null : namedFrontend(frontend), map }
}
