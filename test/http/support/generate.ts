// Requests made from schemas: values that fit, and values with one defect each, with the place of it.

import fc from 'fast-check'
import type { Json } from './conformance.ts'

type Schema = Json & {
  type?: string | string[],
  properties?: Record<string, Schema>,
  items?: Schema,
  anyOf?: Schema[],
  required?: string[],
  enum?: unknown[],
  oneOf?: Schema[],
  discriminator?: { propertyName: string }
}

export interface Defect {
  readonly what: string
  readonly value: unknown
}

export class Generator {
  readonly #components: Record<string, Json>

  constructor (components: Record<string, Json>) {
    this.#components = components
  }

  /** A fitting value; numbers and lists stay small, because size is the bench's affair. */
  fitting (given: Json): fc.Arbitrary<unknown> {
    const schema = this.#resolve(given)
    if (schema.enum !== undefined) return fc.constantFrom(...schema.enum)
    if (schema['const'] !== undefined) return fc.constant(schema['const'])
    const alternatives = schema.anyOf ?? schema.oneOf
    if (alternatives !== undefined) return fc.oneof(...alternatives.map((one) => this.fitting(one)))
    if (Array.isArray(schema.type)) return fc.oneof(...schema.type.map((type) => this.fitting({ ...schema, type })))
    return this.#ofType(schema)
  }

  #ofType (schema: Schema): fc.Arbitrary<unknown> {
    const minimum = Number(schema['minimum'] ?? 0)
    switch (schema.type) {
      case 'integer': return fc.integer({ min: minimum, max: Math.min(Number(schema['maximum'] ?? 1000), minimum + 70_000) })
      case 'number': return fc.integer({ min: minimum + 1, max: Math.min(Number(schema['maximum'] ?? 10), minimum + 10) })
      case 'boolean': return fc.boolean()
      case 'null': return fc.constant(null)
      case 'string': return this.#string(schema)
      case 'array': {
        const options = { minLength: Number(schema['minItems'] ?? 0), maxLength: Math.min(Number(schema['maxItems'] ?? 3), 3) }
        const items = this.fitting(schema.items ?? {})
        return schema['uniqueItems'] === true ? fc.uniqueArray(items, { ...options, selector: (item) => JSON.stringify(item) }) : fc.array(items, options)
      }
      case 'object': return this.#object(schema)
      default: return fc.jsonValue({ maxDepth: 2 })
    }
  }

  #string (schema: Schema): fc.Arbitrary<string> {
    const shortest = Number(schema['minLength'] ?? 0)
    const longest = Math.min(Number(schema['maxLength'] ?? 40), Math.max(shortest, 40))
    if (typeof schema['pattern'] === 'string') {
      return fc.stringMatching(new RegExp(schema['pattern'])).filter((text) => text.length >= shortest && text.length <= longest)
    }
    const addresses = fc.constantFrom('10.0.0.1', '172.20.0.10', '203.0.113.7', '2001:db8::1', '::', '999.1.1.1')
    const text = fc.string({ minLength: shortest, maxLength: longest })
    const examples = schema['examples'] as string[] | undefined
    if (examples !== undefined) return fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...examples) }, text)
    return shortest <= 2 ? fc.oneof(addresses.filter(({ length }) => length <= longest), text) : text
  }

  #object (schema: Schema): fc.Arbitrary<unknown> {
    const properties = Object.entries(schema.properties ?? {})
    const required = properties.filter(([name]) => schema.required?.includes(name) === true).map(([name]) => name)
    const members = Object.fromEntries(properties.map(([name, inner]) => [name, this.fitting(inner)]))
    return fc.record(members, { requiredKeys: required, noNullPrototype: true })
  }

  /** Every way in which one place of a fitting value can be wrong. */
  defects (given: Json, value: unknown, path = ''): Defect[] {
    const schema = this.#resolve(given)
    // which alternative the value meant cannot be told in general
    if (schema.anyOf !== undefined) return [{ what: `${path}: of no type`, value: [[[]]] }]
    if (schema.oneOf !== undefined) return this.#defectsOfChosen(schema, value as Json, path)
    const types = [schema.type ?? []].flat()
    const wrong = [null, true, 7.5, 'no such value', {}, []].filter((other) => !types.includes(typeOf(other)))
    const defects = types.length === 0 ? [] : wrong.map((other) => ({ what: `${path}: ${JSON.stringify(other)} for ${types.join(' or ')}`, value: other as unknown }))
    if (schema.enum !== undefined) defects.push({ what: `${path}: not one of the values`, value: 'no such value' })
    if (typeof schema['maximum'] === 'number') defects.push({ what: `${path}: above the maximum`, value: schema['maximum'] + 1 })
    if (typeof schema['minimum'] === 'number') defects.push({ what: `${path}: below the minimum`, value: schema['minimum'] - 1 })
    if (typeof schema['maxLength'] === 'number') defects.push({ what: `${path}: too long`, value: 'a'.repeat(schema['maxLength'] + 1) })
    if (Array.isArray(value)) {
      const [first] = value as unknown[]
      if (schema.items !== undefined && value.length > 0) {
        defects.push(...this.defects(schema.items, first, `${path}/0`).map((defect) => ({ ...defect, value: [defect.value, ...(value as unknown[]).slice(1)] })))
      }
    } else if (typeof value === 'object' && value !== null) {
      defects.push(...this.#memberDefects(schema, value as Json, path))
    }
    return defects
  }

  /** Of the alternative that the value names, and what comes of naming none. */
  #defectsOfChosen ({ oneOf = [], discriminator }: Schema, value: Json, path: string): Defect[] {
    const name = discriminator?.propertyName ?? ''
    const chosen = oneOf.map((one) => this.#resolve(one)).find(({ properties }) => properties?.[name]?.['const'] === value[name])
    return [
      { what: `${path}/${name}: no alternative`, value: { ...value, [name]: 'no such value' } },
      ...chosen === undefined ? [] : this.defects(chosen, value, path)
    ]
  }

  #memberDefects (schema: Schema, value: Json, path: string): Defect[] {
    const defects: Defect[] = []
    if (schema['additionalProperties'] === false) defects.push({ what: `${path}/surplus: unknown member`, value: { ...value, surplus: 1 } })
    for (const name of schema.required ?? []) {
      const { [name]: gone, ...rest } = value
      defects.push({ what: `${path}/${name}: missing`, value: rest })
    }
    for (const [name, inner] of Object.entries(schema.properties ?? {})) {
      if (!(name in value)) continue
      defects.push(...this.defects(inner, value[name], `${path}/${name}`).map((defect) => ({ ...defect, value: { ...value, [name]: defect.value } })))
    }
    return defects
  }

  #resolve (schema: Json): Schema {
    const reference = schema['$ref']
    if (typeof reference !== 'string') return schema as Schema
    return (this.#components[reference.split('/').at(-1) ?? ''] ?? {}) as Schema
  }
}

function typeOf (value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return typeof value
}
