// A node as its resources show it: settings with figures, frontends with their backends, tables read back from the maps.

import { parseAddress, tableDigest } from '../maglev/index.ts'
import type { Family } from '../maglev/index.ts'
import { namesOf } from '../loadbalancer/index.ts'
import type { RealisedFrontend, TableMap } from '../loadbalancer/index.ts'
import { SimError } from './errors.ts'
import type { EmulatedNode } from './node.ts'
import { packetOrigins } from './types.ts'
import type { FrontendView, NamedFrontend, NodeAttachment, NodeView, TableView } from './types.ts'

export function nodeView ({ settings, node, datapath, tableSizeChanges }: EmulatedNode): NodeView {
  const maps = datapath.kernel.maps()
  const { maglev } = node.counts()
  return {
    ...settings,
    tableSizeChanges: [...tableSizeChanges],
    counts: {
      frontends: node.frontendCount,
      tables: maglev[4] + maglev[6],
      maps: maps.length,
      programs: packetOrigins.length
    },
    memory: {
      memlockBytes: maps.reduce((sum, map) => sum + map.memlockBytes(), 0),
      allocatedBytes: maps.reduce((sum, map) => sum + map.allocatedBytes(), 0)
    }
  }
}

/** what a frontend is called where only that is said of it */
export function namedFrontend ({ id, service, frontend: { address, port, protocol, scope } }: RealisedFrontend): NamedFrontend {
  return { id, service: namesOf(service), address, port, protocol, ...(scope === 'internal' ? { scope } : {}) }
}

export function frontendView (emulated: EmulatedNode, realised: RealisedFrontend): FrontendView {
  const { node } = emulated
  const { address, port, protocol, type, portName, scope } = realised.frontend
  const table = tableMap(emulated, realised)
  return {
    address,
    port,
    protocol,
    type,
    ...(portName === undefined ? {} : { portName }),
    ...(scope === 'internal' ? { scope } : {}),
    ...(realised.hiddenProtocols.length > 0 ? { hiddenProtocols: realised.hiddenProtocols } : {}),
    id: realised.id,
    service: namesOf(realised.service),
    backends: node.backendsOf(realised).map(({ id, backend, state }) =>
      ({ id, address: backend.address, port: backend.port, protocol: backend.protocol, weight: backend.weight, state })),
    table: table === undefined ? null : { m: table.m, backends: realised.table?.length ?? 0, mapId: table.mapId },
    reason: node.whyNoTable(realised),
    warnings: node.warnings(realised)
  }
}

/** @throws SimError TABLE_NOT_FOUND with the reason why there is none */
export function tableView (emulated: EmulatedNode, realised: RealisedFrontend): TableView {
  const table = tableMap(emulated, realised)
  if (table === undefined) {
    throw new SimError('TABLE_NOT_FOUND', `frontend ${realised.id} of node ${emulated.settings.name} has no table: ${emulated.node.whyNoTable(realised)}`)
  }
  const ids = table.read()
  const counts = new Map<number, number>((realised.table ?? []).map(({ id }) => [id, 0]))
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1)
  return {
    m: table.m,
    seed: emulated.settings.seed,
    counts: Object.fromEntries([...counts].sort(([one], [other]) => one - other)),
    sha256U32LE: tableDigest(ids),
    slots: Array.from(ids)
  }
}

/** all that another thread needs; nothing in it is a copy */
export function attachment (
  { settings, generation, datapath, cpuLeases }: EmulatedNode, module: WebAssembly.Module, uptimeMs: number
): NodeAttachment {
  return {
    node: settings.name,
    generation,
    kernel: settings.kernel,
    possibleCpus: settings.possibleCpus,
    module,
    memory: datapath.kernel.core.memory,
    image: datapath.program.image,
    metricsMapAddress: datapath.metrics().address,
    cpuLeases,
    uptimeMs
  }
}

/** where the table of a frontend lies; undefined: it has none */
export function tableMap ({ maps }: EmulatedNode, { frontend, id, table }: RealisedFrontend): TableMap | undefined {
  if (table === null) return undefined
  const family: Family = parseAddress(frontend.address)?.family ?? 4
  return maps.maglev[family].get(id)
}
