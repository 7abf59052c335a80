// One table against backends that are given, as the tests of dumps ask for it.

import { compareTables as compareSteps, complete } from '../../../lib/loadbalancer/index.ts'
import type { TablesAnswer } from '../../../lib/loadbalancer/index.ts'
import { defaultSeed } from '../../../lib/maglev/index.ts'
import type { TableBackend } from '../../../lib/maglev/index.ts'

export { complete, readBpfLbList, readConfigText, readText } from '../../../lib/loadbalancer/index.ts'

interface Asked {
  readonly m: number
  readonly seeds: readonly string[]
  /** whether the backends' ids are told, as those of another machine */
  readonly named: boolean
  readonly backendIds?: Readonly<Record<string, string>>
}

export function compareTables (
  ids: Uint32Array, backends: readonly TableBackend[], { m, seeds, named, backendIds = {} }: Asked
): TablesAnswer {
  const answer = complete(compareSteps({
    tables: [{ key: '[5]/v4', revNatId: 5, family: 4, ids }],
    frontends: [{
      id: 5,
      address: '172.20.0.10',
      port: 443,
      protocol: 'TCP',
      m: () => m,
      backends: backends.map(({ id, ...backend }) => ({ ...backend, state: 'active' as const, ...(named ? { id } : {}) }))
    }],
    backendIds: named ? null : backendIds,
    seed: defaultSeed(),
    release: '1.17+',
    seeds
  }))
  if (!answer.ok) throw new Error(answer.error.message)
  return answer.value
}

/** id in a table of the tests -> id of the backend that it really is */
export function fillNames (ids: Uint32Array, codes: readonly string[], backends: readonly TableBackend[]): Map<number, number> {
  const shift = codes.includes('backend-ids') ? 100 : 0
  return new Map([...new Set(ids)].map(id => [id, backends.find(one => one.id === id - shift)?.id ?? 0]))
}
