// Reading a parsed document member by member: null and absent are the same, a wrong type is noted with its place, and only own members are
// looked at, whatever their names are.

import { pointerStep } from '../errors.ts'
import type { LbPlace } from '../errors.ts'
import { limits } from '../limits.ts'

export class Problems {
  readonly places: LbPlace[] = []
  readonly #said = new Set<string>()

  /** A member that is read several times is said once. */
  add (pointer: string, detail: string): void {
    const place = `${pointer} ${detail}`
    if (this.places.length >= limits.places || this.#said.has(place)) return
    this.#said.add(place)
    this.places.push({ pointer, detail })
  }
}

export class Field {
  readonly #value: unknown
  readonly #parent: Field | null
  readonly #step: string | number
  readonly #problems: Problems

  /** @param step of the JSON Pointer from the parent to it */
  constructor (value: unknown, step: string | number, problems: Problems, parent: Field | null = null) {
    this.#value = value
    this.#step = step
    this.#problems = problems
    this.#parent = parent
  }

  /** Put together when someone asks: most fields are read without a word. */
  get pointer (): string {
    return (this.#parent?.pointer ?? '') + pointerStep(this.#step)
  }

  get present (): boolean {
    return this.#value !== undefined && this.#value !== null
  }

  /** an object, or absent: of anything else it is not said too that members are missing */
  get mayHaveMembers (): boolean {
    return !this.present || isRecord(this.#value)
  }

  /** absent, or a list of nothing */
  get isEmpty (): boolean {
    return !this.present || (Array.isArray(this.#value) && this.#value.length === 0)
  }

  get raw (): unknown {
    return this.#value
  }

  wrong (detail: string): void {
    this.#problems.add(this.pointer, detail)
  }

  member (name: string): Field {
    const value = this.#value
    if (!this.present) return new Field(undefined, name, this.#problems, this)
    if (!isRecord(value)) {
      this.wrong(`${describe(value)} where an object is expected`)
      return new Field(undefined, name, this.#problems, this)
    }
    return new Field(Object.hasOwn(value, name) ? value[name] : undefined, name, this.#problems, this)
  }

  /** without those that are null, which are wrong in any list */
  items (): Field[] {
    if (!this.present) return []
    if (Array.isArray(this.#value)) {
      const items: Field[] = []
      this.#value.forEach((item: unknown, index) => {
        const field = new Field(item, index, this.#problems, this)
        if (field.present) items.push(field)
        else field.wrong('nothing stands at this place of the list')
      })
      return items
    }
    this.wrong(`${describe(this.#value)} where a list is expected`)
    return []
  }

  /** own members of an object whose names are free, such as labels */
  members (): [name: string, field: Field][] {
    if (!this.present) return []
    const value = this.#value
    if (isRecord(value)) return Object.keys(value).map(name => [name, this.member(name)])
    this.wrong(`${describe(value)} where an object is expected`)
    return []
  }

  text (): string | undefined {
    if (!this.present) return undefined
    if (typeof this.#value === 'string') return this.#value
    this.wrong(`${describe(this.#value)} where text is expected`)
    return undefined
  }

  boolean (): boolean | undefined {
    if (!this.present) return undefined
    if (typeof this.#value === 'boolean') return this.#value
    this.wrong(`${describe(this.#value)} where true or false is expected`)
    return undefined
  }

  port (): number | undefined {
    if (!this.present) return undefined
    const value = this.#value
    if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65535) return value
    this.wrong(`${describe(value)} is not a port from 1 to 65535`)
    return undefined
  }

  integer (from: number, to: number): number | undefined {
    if (!this.present) return undefined
    const value = this.#value
    if (typeof value === 'number' && Number.isInteger(value) && value >= from && value <= to) return value
    this.wrong(`${describe(value)} is not an integer from ${from} to ${to}`)
    return undefined
  }

  oneOf<T extends string> (allowed: readonly T[]): T | undefined {
    const text = this.text()
    const found = allowed.find(one => one === text)
    if (text !== undefined && found === undefined) this.wrong(`${describe(text)} is not one of ${allowed.join(', ')}`)
    return found
  }
}

export function isRecord (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function describe (value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 64 ? `${value.slice(0, 61)}...` : value)
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (value === null || value === undefined) return 'nothing'
  return Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
