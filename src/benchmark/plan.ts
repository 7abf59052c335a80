// What a benchmark measures: services by size, and nodes to put them on, complete and refused here if at all.

import { kernelProfiles } from '../../lib/bpf/profile/index.ts'
import { datapathLayouts } from '../../lib/datapath/index.ts'
import { defaultSettings, oneTableSizeForAll, validateSettings } from '../../lib/loadbalancer/index.ts'
import type { NodeSettings } from '../../lib/loadbalancer/index.ts'
import { formatMix, parseMix } from '../../lib/report/index.ts'
import type { MixPart } from '../../lib/report/index.ts'
import { SimError, simErrorOf, simErrorUnder } from '../../lib/sim/errors.ts'
import { completeSettings } from '../../lib/sim/settings.ts'
import type { Simulator } from '../../lib/sim/types.ts'
import { benchmarkDefaults, benchmarkLimits, benchmarkTableSizes } from './limits.ts'

export interface BenchmarkBody {
  readonly kind: 'benchmark'
  readonly mix?: string
  /** nodes of the cluster whose settings are taken; not with `variants` */
  readonly nodes?: readonly string[]
  readonly variants?: ReadonlyArray<Partial<NodeSettings> & { readonly name: string }>
  readonly rounds?: number
}

export interface BenchmarkPlan {
  readonly kind: 'benchmark'
  readonly mix: string
  readonly variants: readonly NodeSettings[]
  readonly rounds: number
}

/** @throws SimError whose pointers lead into the body */
export function planBenchmark (sim: Simulator, body: BenchmarkBody): BenchmarkPlan {
  const parts = partsOf(body.mix ?? benchmarkDefaults.mix)
  return { kind: 'benchmark', mix: formatMix(parts), variants: variantsOf(sim, body), rounds: body.rounds ?? benchmarkDefaults.rounds }
}

/** @returns as many services as the benchmark makes, in the same proportions, at least one of each size */
export function scaledParts (parts: readonly MixPart[]): MixPart[] {
  const services = parts.reduce((sum, part) => sum + part.services, 0)
  const scale = Math.min(1, benchmarkLimits.services / services)
  return parts.map((part) => ({ ...part, services: Math.max(1, Math.floor(part.services * scale)) }))
}

/** sizes that have a table */
function partsOf (text: string): MixPart[] {
  const mix = parseMix(text)
  if (!mix.ok) throw refusal('/mix', mix.message)
  const parts = mix.parts.filter(({ backends }) => backends > 0)
  if (parts.length === 0) throw refusal('/mix', 'no service of the mix has a backend')
  if (parts.length > benchmarkLimits.sizes) throw refusal('/mix', `a benchmark takes ${benchmarkLimits.sizes} sizes of services, this mix has ${parts.length}`)
  const largest = parts.at(-1)?.backends ?? 0
  if (largest > benchmarkLimits.backends) throw refusal('/mix', `a benchmark takes services of up to ${benchmarkLimits.backends} backends, not ${largest}`)
  return parts
}

/** every layout with one M for all services, and with one for each where that is possible */
const defaultVariants: NonNullable<BenchmarkBody['variants']> = [
  ...datapathLayouts.map((layout) => ({ name: layout, layout })),
  ...datapathLayouts.filter((layout) => !oneTableSizeForAll(layout)).map((layout) =>
    ({ name: `${layout}-per-service`, layout, tableSizePolicy: { perService: { perBackend: benchmarkTableSizes.perBackend } } }))
]

function variantsOf (sim: Simulator, { nodes, variants }: BenchmarkBody): NodeSettings[] {
  if (nodes !== undefined && variants !== undefined) throw refusal('/variants', 'give nodes of the cluster, or variants to make')
  if (nodes !== undefined) return nodes.map((name) => settingsOf(sim, name))
  const named = variants ?? defaultVariants
  const names = named.map(({ name }) => name)
  const twice = names.findIndex((name, index) => names.indexOf(name) !== index)
  if (twice >= 0) throw refusal(`/variants/${twice}/name`, `there is another variant ${names[twice]}`)
  return named.map((variant, index) => variantOf(variant, `/variants/${index}`))
}

function settingsOf (sim: Simulator, name: string): NodeSettings {
  const { tableSizeChanges, counts, memory, ...settings } = sim.getNode(name)
  return withoutSpareTables(settings)
}

function variantOf (variant: NonNullable<BenchmarkBody['variants']>[number], at: string): NodeSettings {
  const settings = withoutSpareTables(completeSettings(defaultSettings(variant.name), variant))
  const valid = validateSettings(settings, kernelProfiles.map(({ name }) => name))
  if (!valid.ok) throw simErrorUnder(at, simErrorOf(valid.error))
  return valid.value
}

/** Layout flat has room for every service that there could be, and all of it would be copied into the kernel. */
function withoutSpareTables (settings: NodeSettings): NodeSettings {
  return settings.layout === 'flat' ? { ...settings, mapSizes: { ...settings.mapSizes, maglev: benchmarkLimits.sizes } } : settings
}

const refusal = (pointer: string, detail: string): SimError => new SimError('INVALID_ARGUMENT', detail, { places: [{ pointer, detail }] })
