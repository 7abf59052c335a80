// `maglev-sim benchmark`: times of this machine, in this process, or as a run of a service; as tables, or as JSON that `maglev-sim report
// lookup-cost --benchmark FILE` quotes.

import { writeFileSync } from 'node:fs'
import type { BenchmarkResult } from '../../../lib/report/index.ts'
import { benchmarkDefaults, benchmarkLimits } from '../../benchmark/limits.ts'
import type { BenchmarkPlan } from '../../benchmark/plan.ts'
import { describeBenchmark } from '../benchmark-text.ts'
import { command, wholeNumber } from '../command.ts'
import { callerPath } from '../paths.ts'
import { startProgress } from '../progress.ts'

// Each needs what the other does not.
const loadPlan = () => import('../../benchmark/plan.ts')
const loadExecutor = () => import('../../runs/benchmark.ts')
const loadSimulator = () => import('../../simulator.ts')

export default command({
  name: 'benchmark',
  description: 'ns per packet of the interpreter and, as root on Linux, of the running kernel, for every table layout; needs no server',
  args: {
    mix: { type: 'string', description: 'Services by size: how many x backends each', default: benchmarkDefaults.mix },
    rounds: { type: 'string', description: `How often everything is measured (1 to ${benchmarkLimits.rounds})`, default: `${benchmarkDefaults.rounds}` },
    save: { type: 'string', description: 'Write the result here as JSON, for report lookup-cost --benchmark FILE', valueHint: 'FILE' },
    json: { type: 'boolean', description: 'Print the result as JSON', default: false },
    quiet: { type: 'boolean', description: 'No progress bar', default: false }
  },
  notes: ['Programs are loaded and test-run, never attached. Every round takes some seconds.'],
  async run (args) {
    const rounds = wholeNumber('rounds', args.rounds, 1, benchmarkLimits.rounds)
    const { createProcessSimulator } = await loadSimulator()
    const { planBenchmark } = await loadPlan()
    const plan = planBenchmark(createProcessSimulator({ nodes: [] }), { kind: 'benchmark', mix: args.mix, rounds })
    const result = await measure(plan, args.quiet || args.json)
    const json = `${JSON.stringify(result)}\n`
    if (args.save !== undefined) writeFileSync(callerPath(args.save), json)
    process.stdout.write(args.json ? json : describeBenchmark(result))
  }
})

/** Ctrl-C ends it after the step under way, so that nothing stays loaded. */
async function measure (plan: BenchmarkPlan, silent: boolean): Promise<BenchmarkResult> {
  const { executeBenchmark } = await loadExecutor()
  const abort = new AbortController()
  const onSignal = (): void => { abort.abort() }
  process.once('SIGINT', onSignal)
  let bar: ReturnType<typeof startProgress> | undefined
  try {
    return await executeBenchmark(plan, {
      signal: abort.signal,
      onProgress ({ done, total, unit }) {
        bar ??= startProgress({ label: 'benchmark', total, unit, silent })
        bar.update(done)
      }
    })
  } finally {
    bar?.stop()
    process.removeListener('SIGINT', onSignal)
  }
}
