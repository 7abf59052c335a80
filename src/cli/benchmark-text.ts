// A benchmark's result as tables.

import { counted, formatText, tableSizesText } from '../../lib/report/index.ts'
import type { BenchmarkLookups, BenchmarkResult, Column, Table } from '../../lib/report/index.ts'

const column = (title: string, as?: Column['as']): Column => as === undefined ? { key: title, title } : { key: title, title, as }

export function describeBenchmark (result: BenchmarkResult): string {
  const { machine, rounds, withoutKernel, emptyNs } = result
  return [
    `${machine.cpu}, ${machine.cpus} CPUs, Linux ${machine.kernel}, Node ${machine.node}; medians of ${counted(rounds, 'interleaved round')}\n`,
    withoutKernel === null
      ? `kernel: test runs of the same programs over the same maps; an empty program takes ${emptyNs} ns\n`
      : `kernel: not measured, ${withoutKernel}\n`,
    formatText(packets(result)),
    ...(result.lookups === null ? [] : [formatText(lookups(result, result.lookups))]),
    ...(result.steps === null ? [] : [formatText(steps(result.steps, machine.spectreV2))])
  ].join('\n')
}

const packets = ({ nodes }: BenchmarkResult): Table => ({
  title: 'One flow over and over, ns per packet; the empty program taken off',
  columns: [
    column('node'), column('layout'), column('inlining'), column('N'), column('M', 'plain'), column('instructions'),
    column('interpreter ns', 'decimal'), column('kernel ns'), column('same bytes')
  ],
  rows: nodes.flatMap(({ node, layout, inlining, rows }) => rows.map((row) => [
    node, layout, inlining, row.backends, row.m, row.instructions, row.interpreterNs, row.kernelNs,
    row.sameAsKernel === null ? '-' : row.sameAsKernel ? 'yes' : 'NO'
  ]))
})

function lookups (
  { mix, services: { made, of } }: BenchmarkResult, sizes: BenchmarkLookups
): Table {
  const { hotBackends, rows, samePicks } = sizes
  const same = `the same picks in all layouts of one M: ${samePicks ? 'yes' : 'NO'}`
  return {
    title: `From hash to backend id in the kernel, ns per run; ${made} of ${counted(of, 'service')}; ${same}`,
    columns: [
      column('layout'), column('M'), column(`hot, N=${hotBackends.small}`), column(`hot, N=${hotBackends.large}`), column(mix),
      column('memlock of the tables')
    ],
    rows: rows.map((row) =>
      [row.layout, tableSizesText(row, sizes), row.hotSmallNs, row.hotLargeNs, row.mixNs, row.memlockBytes])
  }
}

const steps = ({ rows, perRun, sameAsEmulator }: NonNullable<BenchmarkResult['steps']>, spectreV2: string | null): Table => ({
  title: `Single steps, ns per run of ${perRun}; the emulator's results: ${sameAsEmulator ? 'yes' : 'NO'}${spectreV2 === null ? '' : `; ${spectreV2}`}`,
  columns: [column('step'), column('ns per run'), column('ns per step')],
  rows: rows.map(({ step, ns }) => [step, ns, ns / perRun])
})
