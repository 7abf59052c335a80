// Where a finding belongs: to an object in a file, or to a value of the configuration.

import { importedWithoutEffect, limits } from '../../../lib/loadbalancer/index.ts'
import type { LbError, LbPlace, SkippedObject } from '../../../lib/loadbalancer/index.ts'
import type { CheckedConfig } from './config.ts'
import { findingOf } from './finding.ts'
import type { Finding, FindingPlace } from './finding.ts'
import type { ManifestDocument } from './manifests.ts'

export class Places {
  readonly #documents: readonly ManifestDocument[]
  readonly #config: CheckedConfig
  readonly #services = new Map<string, ManifestDocument>()

  constructor (documents: readonly ManifestDocument[], config: CheckedConfig) {
    this.#documents = documents
    this.#config = config
    for (const document of documents) for (const name of servicesIn(document.value)) this.#services.set(name, document)
  }

  ofSkipped ({ document, kind, name, reason, field, code }: SkippedObject): Finding {
    // what the finding's place and rule say already
    const detail = [importedWithoutEffect, `${field ?? ''}: `].reduce((rest, said) => rest.startsWith(said) ? rest.slice(said.length) : rest, reason)
    return findingOf(code ?? 'without-effect', detail, { ...this.#at(document), object: `${kind} ${name}`, field: field ?? null })
  }

  ofObject ({ document, kind, name }: SkippedObject, rule: string, message: string): Finding {
    return findingOf(rule, message, { ...this.#at(document), object: `${kind} ${name}` })
  }

  inConfig (rule: string, message: string, option: string | null): Finding {
    const { file, fieldOf } = this.#config
    return findingOf(rule, message, { file, line: file === null ? null : 1, field: option === null ? null : fieldOf(option) })
  }

  ofService (service: string, rule: string, message: string): Finding {
    const { file = null, line = null } = this.#services.get(service) ?? {}
    return findingOf(rule, message, { file, line, object: `Service ${service}`, field: fieldOfRule[rule] ?? '/spec' })
  }

  /** @returns one for every place that the refusal names */
  refused ({ places, message }: LbError): Finding[] {
    if (places.length === 0) return [findingOf('bad-input', message, {})]
    const more = places.length < limits.places ? [] : [findingOf('bad-input', `the first ${limits.places} places are listed; there may be more`, {})]
    return [...places.map((place) => this.#refusedAt(place)), ...more]
  }

  #refusedAt ({ pointer, detail }: LbPlace): Finding {
    const [, document = '', ...steps] = pointer.split('/')
    const at = Number(document)
    return findingOf('bad-input', detail, document === '' ? {} : { ...this.#at(at), ...objectAt(this.#documents[at]?.value, steps) })
  }

  #at (document: number): Pick<FindingPlace, 'file' | 'line'> {
    const { file = null, line = null } = this.#documents[document] ?? {}
    return { file, line }
  }
}

const fieldOfRule: Readonly<Record<string, string>> = { 'no-backend': '/spec/selector', 'cluster-ip-without-table': '/spec/type', 'random-selection': '/metadata/annotations' }

interface SomeObject {
  readonly kind?: unknown
  readonly metadata?: { readonly namespace?: unknown, readonly name?: unknown }
  readonly items?: unknown
}

const objectOf = (value: unknown): SomeObject => typeof value === 'object' && value !== null ? value : {}

/** What an item of a list is: those of a typed one need not say it. */
function itemOf (kind: unknown, item: unknown): SomeObject {
  const itemKind = typeof kind === 'string' && kind !== 'List' ? kind.replace(/List$/, '') : undefined
  return itemKind === undefined ? objectOf(item) : { kind: itemKind, ...objectOf(item) }
}

/** names of the Services in a document, which may be a list */
function servicesIn (value: unknown): string[] {
  const { kind, metadata, items } = objectOf(value)
  if (Array.isArray(items)) return items.flatMap((item) => servicesIn(itemOf(kind, item)))
  return kind === 'Service' ? [`${String(metadata?.namespace ?? 'default')}/${String(metadata?.name)}`] : []
}

/** The object that a pointer leads into, lists passed through. @param steps of the pointer, from the document */
function objectAt (value: unknown, steps: readonly string[]): Pick<FindingPlace, 'object' | 'field'> {
  const { kind, metadata, items } = objectOf(value)
  if (steps[0] === 'items' && steps[1] !== undefined && Array.isArray(items)) return objectAt(itemOf(kind, items[Number(steps[1])]), steps.slice(2))
  const { namespace = 'default', name } = objectOf(metadata) as NonNullable<SomeObject['metadata']>
  const named = typeof name === 'string' && typeof namespace === 'string' ? ` ${kind === 'Node' ? '' : `${namespace}/`}${name}` : ''
  return { object: typeof kind === 'string' ? kind + named : null, field: steps.length === 0 ? null : `/${steps.join('/')}` }
}
