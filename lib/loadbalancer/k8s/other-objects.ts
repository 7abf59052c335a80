// Node -> its addresses and labels; ConfigMap `cilium-config` -> options as text.

import { parseAddress } from '../../maglev/index.ts'
import type { K8sObject } from './documents.ts'

export const ciliumConfigName = 'cilium-config'

/** the addresses that NodePort services answer on */
export function readNodeAddresses ({ field }: K8sObject): string[] {
  return field.member('status').member('addresses').items().flatMap(item => {
    const type = item.member('type').text()
    const address = item.member('address')
    if (type !== 'InternalIP' && type !== 'ExternalIP') return []
    const parsed = parseAddress(address.text() ?? '')
    if (parsed === null) address.wrong(`${JSON.stringify(address.raw) ?? 'nothing'} is not an IP address`)
    return parsed?.text ?? []
  })
}

export function readLabels ({ field }: K8sObject): Record<string, string> {
  return Object.fromEntries(field.member('metadata').member('labels').members().flatMap(([name, value]) => {
    const text = value.text()
    return text === undefined ? [] : [[name, text]]
  }))
}

export function readConfigMap ({ field }: K8sObject): Map<string, string> {
  const data = new Map<string, string>()
  for (const [name, value] of field.member('data').members()) {
    const text = value.text()
    if (text !== undefined) data.set(name, text)
  }
  return data
}
