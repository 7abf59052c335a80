// `npm run bench`: packets per second of the interpreter for each layout and workload, beside the kernel's time for the
// same program and maps where bpf(2) is there, and the time that building Maglev tables takes; with --layouts, lookups in
// every layout in the kernel (layouts.ts); with --imports, a large cluster through REST (imports.ts). Rounds of everything
// that is compared are interleaved, so that a machine that is busy for a while slows all of them; medians of rounds are printed.

import { createHash } from 'node:crypto'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { buildTable, defaultSeed } from '../lib/maglev/index.ts'
import { parseAddress } from '../lib/packet/index.ts'
import { formatText } from '../lib/report/index.ts'
import { createProcessSimulator } from '../src/simulator.ts'
import { openBpf } from '../src/live-kernel/bpf.ts'
import { describeImports, runImportBench } from './imports.ts'
import { describeLayouts, runLayoutBench } from './layouts.ts'
import { InterpreterBench } from '../src/benchmark/interpreter.ts'
import { copyBalancer } from '../src/benchmark/kernel-balancer.ts'
import type { KernelBalancer } from '../src/benchmark/kernel-balancer.ts'
import { openEmptyProgram } from '../src/benchmark/layout-lookups.ts'
import { median } from '../src/benchmark/median.ts'
import { fillCluster, packetsOf, workloads } from './support/workloads.ts'

export interface BenchRow {
  readonly layout: string
  readonly workload: string
  readonly instructions: number
  readonly nsPerPacket: number
  readonly packetsPerSecond: number
  /** the running kernel's, without the time of an empty program; hot flow only, null where it was not measured */
  readonly kernelNsPerPacket: number | null
  /** interpreter / kernel of this run */
  readonly ratio: number | null
  /** the kernel gave the same verdict and bytes for the first packet */
  readonly sameAsKernel: boolean | null
  readonly digest: string
}

export interface TableRow {
  readonly m: number
  readonly backends: number
  readonly buildMs: number
}

export interface BenchResult {
  readonly machine: { readonly node: string, readonly cpu: string, readonly cpus: number }
  readonly rounds: number
  readonly rows: readonly BenchRow[]
  readonly tables: readonly TableRow[]
  /** why there is no kernel to compare with; null when there is */
  readonly withoutKernel: string | null
  /** over everything that was computed; no times in it */
  readonly resultHash: string
}

const nodes = ['cilium', 'dynamic'] as const
const kernelRepeat = 20_000
const XDP_TX = 3
const tableSizes = [[251, 2], [1021, 10], [16381, 160], [16381, 1000], [131071, 1000]] as const

interface Case {
  readonly node: string
  readonly layout: string
  readonly workload: string
  readonly interpreter: InterpreterBench
  readonly kernel: KernelBalancer | null
  readonly ns: number[]
  readonly kernelNs: number[]
}

export async function runBench ({ rounds, packets }: { readonly rounds: number, readonly packets: number }): Promise<BenchResult> {
  const bpf = await openBpf()
  const cases = workloads.flatMap((workload) => {
    const sim = createProcessSimulator()
    fillCluster(sim, workload.services)
    return nodes.map((node): Case => ({
      node,
      layout: sim.getNode(node).layout,
      workload: workload.name,
      interpreter: new InterpreterBench(sim, node, packetsOf(workload, Math.min(packets, workload.flows))),
      kernel: typeof bpf === 'string' || workload.flows > 1 ? null : copyBalancer(bpf, sim, node),
      ns: [],
      kernelNs: []
    }))
  })
  const checks = cases.map(check)
  const empty: number[] = []
  const emptyProgram = typeof bpf === 'string' ? null : openEmptyProgram(bpf)
  for (let round = 0; round < rounds; round++) {
    for (const one of cases) measure(one)
    if (emptyProgram !== null) empty.push(emptyProgram.time(kernelRepeat))
  }
  const rows = cases.map((one, index) => rowOf(one, checks[index] as Check, median(empty)))
  const tables = tableSizes.map(([m, backends]) => timeTable(m, backends, Math.max(3, rounds >> 2)))
  emptyProgram?.close()
  for (const { interpreter, kernel } of cases) {
    interpreter.dispose()
    kernel?.close()
  }
  return {
    machine: { node: process.version, cpu: cpus()[0]?.model ?? 'unknown', cpus: cpus().length },
    rounds,
    rows,
    tables: tables.map(({ row }) => row),
    withoutKernel: typeof bpf === 'string' ? bpf : null,
    resultHash: createHash('sha256').update(JSON.stringify([checks.map(({ digest }) => digest), tables.map(({ digest }) => digest)])).digest('hex')
  }
}

interface Check { readonly digest: string, readonly instructions: number, readonly sameAsKernel: boolean | null }

/** The results first, with the backends as they are; then the kernel's get the frontend's address, for repetitions. */
function check ({ interpreter, kernel }: Case): Check {
  const { digest, instructions, first } = interpreter.check()
  if (kernel === null) return { digest, instructions, sameAsKernel: null }
  const { retval, data } = kernel.run(interpreter.firstPacket(), 1)
  kernel.backendsAt(parseAddress('172.20.0.1') as Uint8Array, 443)
  const again = kernel.run(interpreter.firstPacket(), 2)
  if (again.retval !== XDP_TX) throw new Error(`the kernel's second repetition of a lookup ended with ${again.retval}`)
  return { digest, instructions, sameAsKernel: retval === first.verdict && Buffer.compare(data, first.packet) === 0 }
}

function measure ({ interpreter, kernel, ns, kernelNs }: Case): void {
  ns.push(interpreter.round().nsPerPacket)
  if (kernel !== null) kernelNs.push(kernel.run(interpreter.firstPacket(), kernelRepeat).durationNs)
}

function rowOf (one: Case, { digest, instructions, sameAsKernel }: Check, emptyNs: number): BenchRow {
  const nsPerPacket = median(one.ns)
  const kernelNsPerPacket = one.kernelNs.length === 0 ? null : Math.max(1, median(one.kernelNs) - emptyNs)
  return {
    layout: one.layout,
    workload: one.workload,
    instructions,
    nsPerPacket,
    packetsPerSecond: Math.round(1e9 / nsPerPacket),
    kernelNsPerPacket,
    ratio: kernelNsPerPacket === null ? null : nsPerPacket / kernelNsPerPacket,
    sameAsKernel,
    digest
  }
}

function timeTable (m: number, backends: number, rounds: number): { row: TableRow, digest: string } {
  const all = Array.from({ length: backends }, (_, index) => ({
    id: index + 1, address: `10.0.${index >> 8}.${index & 255}`, port: 80, protocol: 'TCP' as const, weight: 1
  }))
  const times: number[] = []
  let digest = ''
  for (let round = 0; round < rounds; round++) {
    const startedMs = performance.now()
    const table = buildTable(m, all, defaultSeed(), '1.17+')
    times.push(performance.now() - startedMs)
    digest = createHash('sha256').update(table?.ids ?? new Uint32Array()).digest('hex')
  }
  return { row: { m, backends, buildMs: median(times) }, digest }
}

function describe (result: BenchResult): string {
  const rows = result.rows.map((row) => [
    row.layout, row.workload, row.instructions, row.nsPerPacket, row.packetsPerSecond, row.kernelNsPerPacket, row.ratio,
    row.sameAsKernel === null ? '-' : row.sameAsKernel ? 'yes' : 'NO'
  ])
  const columns = ['layout', 'workload', 'instructions', 'ns/packet', 'packets/s', 'kernel ns', 'x kernel', 'same bytes']
    .map((title) => ['ns/packet', 'kernel ns', 'x kernel'].includes(title) ? { key: title, title, as: 'decimal' as const } : { key: title, title })
  return [
    `${result.machine.cpu}, ${result.machine.cpus} CPUs, Node ${result.machine.node}; medians of ${result.rounds} interleaved rounds, one thread`, '',
    formatText({ title: 'Interpreter', columns, rows }),
    result.withoutKernel === null
      ? 'kernel: BPF_PROG_TEST_RUN of the same program and maps, the time of an empty program taken off\n'
      : `kernel: not measured, ${result.withoutKernel}\n`,
    formatText({
      title: 'Maglev tables',
      columns: ['M', 'backends', 'build ms'].map((title) => ({ key: title, title, as: 'plain' as const })),
      rows: result.tables.map(({ m, backends, buildMs }) => [m, backends, buildMs])
    }),
    `result hash ${result.resultHash}`, ''
  ].join('\n')
}

async function mainLayouts ({ quick, json }: { readonly quick: boolean, readonly json: boolean }): Promise<void> {
  const result = await runLayoutBench({ rounds: quick ? 3 : 15 })
  if (typeof result === 'string') {
    process.stderr.write(`layouts: not measured, ${result}\n`)
    return
  }
  process.stdout.write(json ? `${JSON.stringify(result)}\n` : describeLayouts(result))
  process.exitCode = result.samePicks ? 0 : 1
}

async function mainImports ({ quick, json }: { readonly quick: boolean, readonly json: boolean }): Promise<void> {
  const scale = quick ? { services: 500, restarted: 10 } : { services: 5_000, restarted: 100 }
  const result = await runImportBench({ ...scale, backendsPerService: 10 })
  process.stdout.write(json ? `${JSON.stringify(result)}\n` : describeImports(result))
}

async function main (): Promise<void> {
  const flag = { type: 'boolean', default: false } as const
  const { values } = parseArgs({ options: { quick: flag, json: flag, layouts: flag, imports: flag } })
  if (values.layouts) return mainLayouts(values)
  if (values.imports) return mainImports(values)
  const result = await runBench(values.quick ? { rounds: 5, packets: 20_000 } : { rounds: 41, packets: 100_000 })
  process.stdout.write(values.json ? `${JSON.stringify(result)}\n` : describe(result))
  process.exitCode = result.rows.some(({ sameAsKernel }) => sameAsKernel === false) ? 1 : 0
}

if (process.argv[1] !== undefined && import.meta.filename === process.argv[1]) await main()
