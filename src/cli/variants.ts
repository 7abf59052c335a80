// The nodes that a mix is reported for, as the command line names them: layouts, each as one would run it, or a file with any settings.

import { readFileSync } from 'node:fs'
import { parseMix } from '../../lib/report/index.ts'
import { BadInput } from './failures.ts'
import { callerPath } from './paths.ts'

export const layoutNames = ['flat', 'fixed', 'blob', 'dynamic', 'packed', 'compact'] as const
type Layout = typeof layoutNames[number]

interface Variant {
  readonly name: string
  readonly layout: Layout
  readonly tableSizePolicy?: { readonly perService: { readonly perBackend: number } }
  readonly mapSizes?: { readonly maglev: number }
}

/** Where every service can have its own M it has one for 100 slots a backend; elsewhere M is Cilium's 16381. */
export function layoutVariants (names: readonly string[], mix: string): Variant[] {
  return names.map((name) => {
    const layout = layoutNames.find((known) => known === name)
    if (layout === undefined) throw new BadInput(`--layouts takes ${layoutNames.join(', ')}, not "${name}"`)
    return { name: layout, layout, ...policyOf(layout), ...sizesOf(layout, mix) }
  })
}

/** A JSON file with an array of nodes, as `variants` of a request. */
export function readVariants (file: string): unknown {
  try {
    return JSON.parse(readFileSync(callerPath(file), 'utf8'))
  } catch (error) {
    throw new BadInput(`--variants ${file}: ${(error as Error).message}`)
  }
}

const policyOf = (layout: Layout): Pick<Variant, 'tableSizePolicy'> =>
  layout === 'dynamic' || layout === 'packed' ? { tableSizePolicy: { perService: { perBackend: 100 } } } : {}

/** flat takes memory for every service there could be: as many as there are */
function sizesOf (layout: Layout, text: string): Pick<Variant, 'mapSizes'> {
  const mix = parseMix(text)
  return layout === 'flat' && mix.ok ? { mapSizes: { maglev: mix.parts.reduce((sum, { services }) => sum + services, 0) } } : {}
}
