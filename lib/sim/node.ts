// One emulated node: a kernel with the balancer loaded, and the agent that keeps its maps in step with the desired state.

import { createExecution } from '../bpf/core/index.ts'
import type { Execution } from '../bpf/core/index.ts'
import { everything, kernelLbMaps, LbNode, realiseChange } from '../loadbalancer/index.ts'
import type { DesiredState, LbMaps, NodeSettings, Service } from '../loadbalancer/index.ts'
import type { SimulatorAssets } from './assets.ts'
import { createCpuLeases } from './cpu-lease.ts'
import type { CpuLeases } from './cpu-lease.ts'
import { createDatapath } from './datapath.ts'
import type { Datapath, ProgramLoading } from './datapath.ts'
import { simErrorOf } from './errors.ts'
import { outcomeCounters } from './outcomes.ts'
import type { OutcomeCounters } from './outcomes.ts'
import type { TableSizeChangeView } from './types.ts'

export interface EmulatedNode {
  readonly settings: NodeSettings
  /** another one every time a node is built */
  readonly generation: number
  readonly node: LbNode
  readonly maps: LbMaps
  readonly datapath: Datapath
  /** of the thread that owns the simulator: CPU 0 */
  readonly execution: Execution
  readonly outcomes: OutcomeCounters
  readonly cpuLeases: CpuLeases
  /** the last changes of M by policy, oldest first */
  readonly tableSizeChanges: TableSizeChangeView[]
}

const LOOKUP_CPU = 0
const LOOKUP_WORKER = 0

export interface NodeContext {
  readonly assets: SimulatorAssets
  readonly random: () => number
  readonly programs: ProgramLoading
  /** what the node is to realise: the cluster, or a draft of it */
  readonly desired: DesiredState & { services (): Iterable<Service> }
  readonly generation: number
}

/** A node that has realised the whole desired state. @throws SimError when it cannot: its maps are too small, its memory ends */
export function buildNode (settings: NodeSettings, { assets, random, programs, desired, generation }: NodeContext): EmulatedNode {
  const datapath = createDatapath(assets, settings, random, { loading: programs })
  const { core } = datapath.kernel
  const built: EmulatedNode = {
    settings,
    generation,
    node: new LbNode(settings),
    maps: kernelLbMaps(datapath.kernel, datapath.map, settings),
    datapath,
    execution: createExecution(core, { cpu: LOOKUP_CPU, worker: LOOKUP_WORKER }),
    outcomes: outcomeCounters(core, datapath.metrics().address, LOOKUP_CPU),
    cpuLeases: createCpuLeases(settings.possibleCpus),
    tableSizeChanges: []
  }
  const realised = realiseChange(everything(desired), [built])
  if (!realised.ok) throw simErrorOf(realised.error)
  return built
}
