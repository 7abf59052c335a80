// The part of the simulator that is about nodes: settings, and what lies in a node's kernel.

import { defaultSettings, Rehearsal } from '../loadbalancer/index.ts'
import type { RealisedFrontend } from '../loadbalancer/index.ts'
import type { KernelMap } from '../bpf/map/index.ts'
import type { LoadedProgram } from '../bpf/syscall/index.ts'
import { lbMapsText } from '../loadbalancer/index.ts'
import { SimError } from './errors.ts'
import { flowCounter } from './flow-counts.ts'
import type { EmulatedNode } from './node.ts'
import type { NodeSet } from './node-set.ts'
import { attachment, frontendView, nodeView, tableView } from './node-views.ts'
import { completeSettings } from './settings.ts'
import type { Simulator } from './types.ts'
import { mapEntries, mapView, programView, xlatedText } from './views.ts'
import { watchNode } from './watch.ts'

type NodeOperations = Pick<Simulator, 'listNodes' | 'getNode' | 'createNode' | 'updateNode' | 'deleteNode' | 'listFrontends' | 'getFrontend' |
  'getTable' | 'listMaps' | 'getMap' | 'mapEntries' | 'listPrograms' | 'getProgram' | 'xlated' | 'lbMapsText' | 'watch' | 'rehearse' | 'attach' |
  'flowCounter'>

const ENTRIES_DEFAULT = 50

export function nodeOperations (set: NodeSet, touch: () => void): NodeOperations {
  const changed = <T>(value: T): T => {
    touch()
    return value
  }
  return {
    listNodes: () => set.list().map(nodeView),
    getNode: (name) => nodeView(set.get(name)),
    createNode: (settings) => changed(nodeView(set.create(completeSettings(defaultSettings(settings.name), settings)))),
    updateNode: (name, patch) => changed(nodeView(set.replace(completeSettings(set.get(name).settings, { ...patch, name })))),
    deleteNode: (name) => { changed(set.delete(name)) },
    listFrontends: (name) => {
      const node = set.get(name)
      return node.node.frontends().map((frontend) => frontendView(node, frontend))
    },
    getFrontend: (name, id) => frontendView(set.get(name), frontendOf(set.get(name), id)),
    getTable: (name, id) => tableView(set.get(name), frontendOf(set.get(name), id)),
    listMaps: (name) => {
      const { kernel, fullName } = set.get(name).datapath
      return kernel.maps().map((map) => mapView(map, fullName(map)))
    },
    getMap: (name, id) => {
      const map = mapOf(set.get(name), id)
      return mapView(map, set.get(name).datapath.fullName(map))
    },
    mapEntries: (name, id, options = {}) => mapEntries(mapOf(set.get(name), id), options.limit ?? ENTRIES_DEFAULT, options.cursor),
    listPrograms: (name) => set.get(name).datapath.programs().map(programView),
    getProgram: (name, id) => programView(programOf(set.get(name), id)),
    xlated: (name, id) => xlatedText(programOf(set.get(name), id)),
    lbMapsText: (name) => lbMapsText(set.get(name).maps),
    watch: (name) => watchNode(set.get(name)),
    rehearse: (name) => new Rehearsal(set.get(name).settings, set.cluster),
    attach: (name) => attachment(set.get(name), set.coreModule, set.uptimeMs),
    flowCounter: (name) => flowCounter(set, name)
  }
}

function frontendOf ({ node, settings }: EmulatedNode, id: number): RealisedFrontend {
  return found(node.frontendById(id), 'FRONTEND_NOT_FOUND', `node ${settings.name} has no frontend with revNAT id ${id}`)
}

function mapOf ({ datapath, settings }: EmulatedNode, id: number): KernelMap {
  const map = datapath.kernel.maps().find((map) => map.id === id)
  return found(map, 'MAP_NOT_FOUND', `node ${settings.name} has no map with id ${id}`)
}

function programOf ({ datapath, settings }: EmulatedNode, id: number): LoadedProgram {
  const program = datapath.programs().find((program) => program.id === id)
  return found(program, 'PROGRAM_NOT_FOUND', `node ${settings.name} has no program with id ${id}`)
}

function found<T> (value: T | undefined, code: 'FRONTEND_NOT_FOUND' | 'MAP_NOT_FOUND' | 'PROGRAM_NOT_FOUND', detail: string): T {
  if (value === undefined) throw new SimError(code, detail)
  return value
}
