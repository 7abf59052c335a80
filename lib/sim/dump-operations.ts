// The part of the simulator that speaks in the shapes of Cilium's own commands: lists of a node, and tables of a machine against those
// that its backends should give.

import {
  bpfLbListJson, bpfLbListText, compareTables, isMaglevList, knownFrontends, maglevList, maglevListText, readFrontends, readMaglevList,
  readMaglevListText, readText, refusePlaces, serviceListJson, serviceListText, sharedTableSize
} from '../loadbalancer/index.ts'
import type { DumpedTable, KnownFrontend, LbResult, MaglevListForm, NodeSettings, Steps, TablesAnswer } from '../loadbalancer/index.ts'
import { chooseTableSize } from '../maglev/index.ts'
import { simErrorOf, simErrorUnder, SimError } from './errors.ts'
import type { EmulatedNode } from './node.ts'
import type { NodeSet } from './node-set.ts'
import type { Simulator, TableComparisonRequest } from './types.ts'

type DumpOperations = Pick<Simulator, 'serviceList' | 'bpfLbList' | 'maglevList' | 'compareTablesSteps'>

/** characters of one answer: as many as an import takes */
const LIST_CHARACTERS_MAX = 64 * 1024 * 1024

export function dumpOperations (set: NodeSet): DumpOperations {
  return {
    serviceList: (name) => ({ json: serviceListJson(set.get(name).node), text: () => serviceListText(set.get(name).node) }),
    bpfLbList: (name, shape) => ({ json: bpfLbListJson(set.get(name).maps, shape), text: () => bpfLbListText(set.get(name).maps, shape) }),
    maglevList: (name, form, frontends) => {
      const tables = listTables(set.get(name), form, frontends)
      return {
        json: Object.fromEntries(tables.map(([key, text]) => [key, [text]])),
        text: () => maglevListText(tables)
      }
    },
    compareTablesSteps: (name, request) => comparisonSteps(set.get(name), request)
  }
}

function listTables (
  { maps, node }: EmulatedNode, form: MaglevListForm, frontends: readonly number[] | undefined
): Array<readonly [string, string]> {
  for (const [index, id] of (frontends ?? []).entries()) {
    if (node.frontendById(id) === undefined) {
      throw new SimError('FRONTEND_NOT_FOUND', `node ${node.settings.name} has no frontend with revNAT id ${id}`, { places: [{ pointer: `frontends/${index}`, detail: `there is no frontend ${id}` }] })
    }
  }
  const tables: Array<readonly [string, string]> = []
  let characters = 0
  for (const table of maglevList(maps, form, frontends === undefined ? null : new Set(frontends))) {
    characters += table[1].length
    if (characters > LIST_CHARACTERS_MAX) {
      throw new SimError('LIMIT_EXCEEDED', 'the tables of all frontends are too long for one answer: name some with frontends=, or take tables=runs or tables=counts', { facts: { limit: LIST_CHARACTERS_MAX } })
    }
    tables.push(table)
  }
  return tables
}

function * comparisonSteps (emulated: EmulatedNode, { tables, services, backends, seeds }: TableComparisonRequest): Steps<TablesAnswer> {
  const { settings, node } = emulated
  const question = {
    tables: valid(readTables(tables), '/tables'),
    frontends: services === undefined ? ownFrontends(emulated) : listedFrontends(services, settings),
    backendIds: backends ?? null,
    seed: node.seed,
    release: settings.release,
    seeds: seeds ?? []
  }
  return valid(yield * compareTables(question))
}

function readTables (tables: TableComparisonRequest['tables']): LbResult<readonly DumpedTable[]> {
  if (typeof tables !== 'string') {
    return isMaglevList(tables)
      ? readMaglevList(tables, '')
      : refusePlaces('INVALID_DOCUMENT', [{ pointer: '', detail: 'this is not cilium-dbg bpf lb maglev list -o json: {"[5]/v4": ["[1 2 ...]"]}' }])
  }
  const read = readText(tables)
  return read?.kind === 'bpf-lb-maglev-list'
    ? readMaglevListText(read, '', 'the text')
    : refusePlaces('INVALID_DOCUMENT', [{ pointer: '', detail: 'no table with the columns SVC ID and LOOKUP TABLE is in this text' }])
}

function ownFrontends ({ node, settings }: EmulatedNode): KnownFrontend[] {
  return node.frontends().map((realised) => ({
    id: realised.id,
    address: realised.frontend.address,
    port: realised.frontend.port,
    protocol: realised.frontend.protocol,
    m: () => realised.m ?? sharedTableSize(settings),
    backends: node.backendsOf(realised).map(({ id, backend, state }) => ({ ...backend, id, state }))
  }))
}

function listedFrontends (services: NonNullable<TableComparisonRequest['services']>, { tableSizePolicy }: NodeSettings): KnownFrontend[] {
  const documents = typeof services === 'string' ? [{ file: 'the text', text: services }] : [services].flat()
  const frontends = valid(readFrontends(documents), '/services')
  return knownFrontends(frontends, (backends) => chooseTableSize(tableSizePolicy, null, backends).m)
}

function valid<T> (result: LbResult<T>, at = ''): T {
  if (!result.ok) throw simErrorUnder(at, simErrorOf(result.error))
  return result.value
}
