// Kubernetes' label selectors: `a=b, c!=d, e in (f, g), h notin (i), j, !k`. All requirements must hold.

export type Labels = Readonly<Record<string, string>>

type Requirement = (labels: Labels) => boolean

/** @returns null: the text is no selector */
export function parseSelector (text: string): Requirement | null {
  const requirements: Requirement[] = []
  for (const part of splitOutsideParentheses(text)) {
    const requirement = parseRequirement(part.trim())
    if (requirement === null) return null
    requirements.push(requirement)
  }
  return labels => requirements.every(holds => holds(labels))
}

const name = '[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?'
const value = '(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?'
const presence = new RegExp(`^(!?)\\s*(${name})$`)
const equality = new RegExp(`^(${name})\\s*(==|=|!=)\\s*(${value})$`)
const membership = new RegExp(`^(${name})\\s+(in|notin)\\s*\\(\\s*(${value}(?:\\s*,\\s*${value})*)\\s*\\)$`)

function parseRequirement (text: string): Requirement | null {
  const [, not, present] = presence.exec(text) ?? []
  if (present !== undefined) return labels => Object.hasOwn(labels, present) === (not === '')
  const [, key = '', operator = '', wanted = ''] = equality.exec(text) ?? membership.exec(text) ?? []
  if (key === '') return null
  const values = new Set(wanted.split(',').map(one => one.trim()))
  const wants = operator !== '!=' && operator !== 'notin'
  // What has no such label is not in any set: a negative requirement holds.
  return labels => (Object.hasOwn(labels, key) && values.has(labels[key] ?? '')) === wants
}

function splitOutsideParentheses (text: string): string[] {
  if (text.trim() === '') return []
  return text.split(/,(?![^(]*\))/)
}
