// Whole packets: one flow to a service of each size, over and over, through the interpreter on every node and, where bpf(2) is there,
// through the same program over copies of the node's maps in the running kernel. Rounds are interleaved.

import { release } from 'node:os'
import { parseAddress } from '../../lib/packet/index.ts'
import type { BenchmarkNode, BenchmarkRow, MixPart } from '../../lib/report/index.ts'
import type { NodeSettings } from '../../lib/loadbalancer/index.ts'
import { mixService } from '../../lib/sim/mix-service.ts'
import { createTrafficGenerator } from '../../lib/traffic/index.ts'
import type { Bpf } from '../live-kernel/bpf.ts'
import { createProcessSimulator } from '../simulator.ts'
import { InterpreterBench } from './interpreter.ts'
import { copyBalancer } from './kernel-balancer.ts'
import type { KernelBalancer } from './kernel-balancer.ts'
import { openEmptyProgram } from './layout-lookups.ts'
import { median } from './median.ts'

export interface BalancersPlan {
  readonly parts: readonly MixPart[]
  readonly variants: readonly NodeSettings[]
  readonly rounds: number
}

export interface BalancerTimes {
  readonly nodes: readonly BenchmarkNode[]
  readonly emptyNs: number | null
}

interface Case {
  readonly settings: NodeSettings
  readonly kernel: KernelBalancer | null
  readonly part: MixPart
  readonly m: number
  readonly interpreter: InterpreterBench
  readonly address: Uint8Array
  readonly ns: number[]
  readonly kernelNs: number[]
}

const KERNEL_RUNS = 20_000
const XDP_TX = 3
const PORT = 443
const seed = 7

export const balancerSteps = ({ parts, variants, rounds }: BalancersPlan): number => variants.length * (1 + parts.length * (1 + rounds))

/** in `balancerSteps` steps of at most some 100 ms */
export function * measureBalancers (bpf: Bpf | null, plan: BalancersPlan): Generator<undefined, BalancerTimes> {
  const cases: Case[] = []
  const balancers: KernelBalancer[] = []
  const empty = bpf === null ? null : openEmptyProgram(bpf)
  const emptyNs: number[] = []
  try {
    for (const settings of plan.variants) {
      cases.push(...openCases(bpf, settings, plan.parts, balancers))
      yield
    }
    const checks: Check[] = []
    for (const one of cases) {
      checks.push(check(one))
      yield
    }
    for (let round = 0; round < plan.rounds; round++) {
      if (empty !== null) emptyNs.push(empty.time(KERNEL_RUNS))
      for (const one of cases) {
        measure(one)
        yield
      }
    }
    const rows = cases.map((one, index) => ({ one, row: rowOf(one, checks[index] as Check, median(emptyNs)) }))
    return {
      nodes: plan.variants.map(({ name, layout, kernel, inlining, spectreMasking }) => ({
        node: name,
        layout,
        kernel,
        inlining,
        spectreMasking,
        rows: rows.filter(({ one }) => one.settings.name === name).map(({ row }) => row)
      })),
      emptyNs: empty === null ? null : median(emptyNs)
    }
  } finally {
    for (const { interpreter } of cases) interpreter.dispose()
    for (const balancer of balancers) balancer.close()
    empty?.close()
  }
}

/** Every size is a service of the node; all cases of a node share its copy in the kernel. */
function openCases (bpf: Bpf | null, settings: NodeSettings, parts: readonly MixPart[], balancers: KernelBalancer[]): Case[] {
  const sim = createProcessSimulator({ nodes: [settings] })
  for (const [index, { backends }] of parts.entries()) sim.putService(mixService(index, backends))
  const kernel = bpf === null || !isAsTheKernel(settings) ? null : copyBalancer(bpf, sim, settings.name)
  if (kernel !== null) balancers.push(kernel)
  return parts.map((part, index) => {
    const { frontends } = mixService(index, part.backends)
    const address = parseAddress(frontends[0]?.address ?? '') as Uint8Array
    const m = sim.listFrontends(settings.name).find(({ address: text }) => text === frontends[0]?.address)?.table?.m ?? 0
    const interpreter = new InterpreterBench(sim, settings.name, [packetTo(address)])
    return { settings, kernel, part, m, interpreter, address, ns: [], kernelNs: [] }
  })
}

/** The running kernel inlines as it does, masks nothing for root, and is of its own age: other nodes have nothing there to compare with. */
function isAsTheKernel ({ kernel, inlining, spectreMasking }: NodeSettings): boolean {
  const isOld = Number.parseInt(release(), 10) < 6
  return inlining === 'kernel' && !spectreMasking && (kernel === '5.10') === isOld
}

function packetTo (address: Uint8Array): Uint8Array {
  const generator = createTrafficGenerator({ seed, targets: [{ address, port: PORT, protocol: 'TCP' }] })
  const packet = new Uint8Array(generator.maximumLength)
  return packet.slice(0, generator.next(packet, 0))
}

interface Check { readonly instructions: number, readonly sameAsKernel: boolean | null }

/** The results first, with the backends as they are; `measure` then gives them the frontend's address, for repetitions. */
function check ({ interpreter, kernel }: Case): Check {
  const { instructions, first } = interpreter.check()
  if (kernel === null) return { instructions, sameAsKernel: null }
  const { retval, data } = kernel.run(interpreter.firstPacket(), 1)
  return { instructions, sameAsKernel: retval === first.verdict && Buffer.compare(data, first.packet) === 0 }
}

function measure ({ interpreter, kernel, address, ns, kernelNs }: Case): void {
  ns.push(interpreter.round().nsPerPacket)
  if (kernel === null) return
  kernel.backendsAt(address, PORT)
  const { retval, durationNs } = kernel.run(interpreter.firstPacket(), KERNEL_RUNS)
  if (retval !== XDP_TX) throw new Error(`the kernel's last repetition of a lookup ended with ${retval}`)
  kernelNs.push(durationNs)
}

function rowOf ({ part, m, ns, kernelNs }: Case, { instructions, sameAsKernel }: Check, emptyNs: number): BenchmarkRow {
  return {
    backends: part.backends,
    m,
    instructions,
    interpreterNs: Math.round(median(ns) * 10) / 10,
    kernelNs: kernelNs.length === 0 ? null : Math.max(0, median(kernelNs) - emptyNs),
    sameAsKernel
  }
}
