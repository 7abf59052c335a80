// The simulator: a desired state, and emulated nodes that realise it. A change is drafted, planned on every node, written,
// and only then committed, so that it happens everywhere or nowhere.

import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import { initialNodes } from '../loadbalancer/index.ts'
import type { NodeSettings } from '../loadbalancer/index.ts'
import type { SimulatorAssets } from './assets.ts'
import { clusterOperations } from './cluster-operations.ts'
import { lookup } from './lookups.ts'
import type { ProgramLoading } from './datapath.ts'
import { comparisonSteps } from './comparison.ts'
import { dumpOperations } from './dump-operations.ts'
import { nodeOperations } from './node-operations.ts'
import { NodeSet } from './node-set.ts'
import { complete } from '../loadbalancer/steps.ts'
import { reportSteps } from './reports.ts'
import { stepCosts } from './step-probes.ts'
import type { Simulator } from './types.ts'
import { warningOperations } from './warnings.ts'

export interface SimulatorOptions {
  readonly assets: SimulatorAssets
  /** ms since the epoch */
  readonly clock: () => number
  /** 32 random bits: seeds of the hash maps */
  readonly random: () => number
  /** the nodes that exist from the start: `cilium` and `dynamic` unless said */
  readonly nodes?: readonly NodeSettings[]
  /** when the program of a node is verified and translated: `at-once` unless said, so that a node that there is works */
  readonly programs?: ProgramLoading
}

export function createSimulator (options: SimulatorOptions): Simulator {
  const { assets, clock, random, nodes = initialNodes(), programs = 'at-once' } = options
  let changedAt = clock()
  const touch = (): void => { changedAt = clock() }
  const set = new NodeSet({ assets, random, programs }, nodes)
  // what is said of scratch nodes is the same every time, so the seeds of their hash maps are too
  const scratch = (scratchNodes: readonly NodeSettings[]): Simulator =>
    createSimulator({ assets, clock, random: scratchRandom(), nodes: scratchNodes, programs: 'when-needed' })
  const simulator: Simulator = {
    revision: () => set.cluster.revision,
    changedAt: () => changedAt,
    uptimeMs: () => set.uptimeMs,
    setUptime: (uptimeMs) => set.setUptime(uptimeMs),
    ...clusterOperations(set, touch),
    ...nodeOperations(set, touch),
    ...dumpOperations(set),
    ...warningOperations(set),
    lookup: (request) => lookup(set, request),
    report: (request) => complete(simulator.reportSteps(request)),
    reportSteps: (request) => reportSteps(request, {
      current: simulator,
      scratch,
      stepCosts: (kernel) => stepCosts(assets, kernel)
    }),
    comparisonSteps: (request) => comparisonSteps(request, { current: simulator, scratch }),
    scratch: (names) => scratch(names.map((name) => set.get(name).settings))
  }
  return simulator
}

function scratchRandom (): () => number {
  const random = xoroshiro128plus(1)
  return () => random.next() >>> 0
}
