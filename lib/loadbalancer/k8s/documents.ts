// Parsed documents -> objects: Lists are unpacked, every object knows its document, kind, name and place.

import { limits } from '../limits.ts'
import { isObjectName } from '../normalise.ts'
import { Field, describe } from './fields.ts'
import type { Problems } from './fields.ts'

export interface K8sObject {
  /** index of the document it stands in */
  readonly document: number
  readonly apiVersion: string
  readonly kind: string
  readonly namespace: string
  readonly name: string
  readonly field: Field
}

/** @param documents null for empty ones, as a stray `---` makes them */
export function objectsOf (documents: readonly unknown[], problems: Problems): K8sObject[] {
  const objects: K8sObject[] = []
  documents.forEach((document, index) => {
    if (document === null || document === undefined) return
    collect(new Field(document, index, problems), index, undefined, objects)
  })
  if (objects.length > limits.documents) problems.add('', `${objects.length} objects are more than the limit of ${limits.documents}`)
  return objects
}

/** @param listKind kind of the items of a typed list, whose items need not say it */
function collect (field: Field, document: number, listKind: string | undefined, objects: K8sObject[]): void {
  const raw = field.raw
  if (typeof raw !== 'object' || Array.isArray(raw)) {
    field.wrong(`${describe(raw)} is no Kubernetes object`)
    return
  }
  const kind = field.member('kind').text() ?? listKind
  if (kind === undefined) {
    field.member('kind').wrong('a Kubernetes object needs a kind')
    return
  }
  if (kind === 'List' || field.member('items').present) {
    const itemKind = kind === 'List' ? undefined : kind.replace(/List$/, '')
    for (const item of field.member('items').items()) collect(item, document, itemKind, objects)
    return
  }
  const metadata = field.member('metadata')
  const name = metadata.member('name').text()
  const isNameless = name === undefined || name === ''
  if (isNameless && metadata.mayHaveMembers) metadata.member('name').wrong(`${/^[AEIOU]/.test(kind) ? 'an' : 'a'} ${kind} needs a name`)
  const namespace = metadata.member('namespace').text() ?? 'default'
  // Other kinds have names of other forms; only objects that are read are held to theirs.
  objects.push({ document, apiVersion: field.member('apiVersion').text() ?? '', kind, namespace, name: name ?? '', field })
}

export function checkName (object: K8sObject): void {
  const metadata = object.field.member('metadata')
  if (object.name !== '' && !isObjectName(object.name)) metadata.member('name').wrong(`${describe(object.name)} is not a Kubernetes name`)
  if (!isObjectName(object.namespace)) metadata.member('namespace').wrong(`${describe(object.namespace)} is not a Kubernetes name`)
}
