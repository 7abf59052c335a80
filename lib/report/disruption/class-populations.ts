// The services that a class of frontends stands for, the same for every report that asks what moves: those of the cluster, with their own
// addresses and weights; for a mix, which says no more than how many backends there are, services that are drawn.

import type { ReportContext } from '../context.ts'
import type { FrontendClass } from '../subject/classes.ts'
import type { ReportFrontend } from '../subject/source.ts'
import { backendsInTable } from '../subject/table-backends.ts'
import type { DisruptionPlan } from './plan.ts'
import { drawnPopulation, realPopulation, sequentialPopulation } from './population.ts'
import type { Population } from './population.ts'

/** where backends come from: the cluster's own, or for a mix addresses in sequence or drawn */
export type Addresses = 'own' | 'sequential' | 'drawn'

export class ClassPopulations {
  readonly addresses: Addresses
  readonly #seed: number
  /** numbers of services by their backends: frontends with the same backends have the same table */
  readonly #numbers = new Map<string, number>()

  constructor ({ scale }: Pick<ReportContext, 'scale'>, { seed, addresses }: Pick<DisruptionPlan, 'seed' | 'addresses'>) {
    this.addresses = scale === null ? 'own' : addresses
    this.#seed = seed
  }

  of ({ family, backends, frontends }: Pick<FrontendClass, 'family' | 'backends' | 'frontends'>): Population {
    if (this.addresses === 'sequential') return sequentialPopulation(backends, family)
    if (this.addresses === 'drawn') return drawnPopulation(backends, family, this.#seed)
    const services = new Map(frontends.map((frontend) => [this.#numberOf(frontend), frontend]))
    return realPopulation([...services.keys()].join(), [...services.values()].map(backendsInTable))
  }

  #numberOf (frontend: ReportFrontend): number {
    const content = backendsInTable(frontend).map(({ address, port, protocol, weight }) => `${address} ${port} ${protocol} ${weight}`).join()
    const number = this.#numbers.get(content) ?? this.#numbers.size
    this.#numbers.set(content, number)
    return number
  }
}
