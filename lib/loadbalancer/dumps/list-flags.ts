// What stands in brackets behind slot 0 of a frontend: its type, and flags that come from what its service asks for. A flag says that
// something is asked for, and not always what: what is known becomes a trait of the service, the rest is told in words.

import type { FrontendType } from '../service.ts'
import { defaultAffinityTimeoutSeconds } from '../traits.ts'
import type { ServiceTraits } from '../traits.ts'
import { typeNamed } from './frontends.ts'
import { quoted } from './texts.ts'

export interface ListFlags {
  /** undefined: `word` is none */
  readonly type: FrontendType | undefined
  /** that the type is said by */
  readonly word: string
  readonly traits: ServiceTraits
  /** what is not taken over, or only in part, and why */
  readonly lost: readonly string[]
}

const notInList: Readonly<Record<string, string>> = {
  Local: 'the policy is not kept: the backends are those that this machine has for clients from outside',
  'two-scopes': 'clients inside the node come to the backends for those outside; a frontend of scope internal is kept as one of its own',
  InternalLocal: 'the policy is not kept: the backends are those that this machine has for its own clients',
  'check source-range': 'the ranges are not in this list, so every client is let through; the objects of the service have them',
  deny: 'the ranges are not in this list, so every client is let through; the objects of the service have them',
  '46x64': 'translation between IPv4 and IPv6 is not built'
}

/**
 * @param text such as `LoadBalancer, sessionAffinity, dsr`; null or empty: nothing is said
 * @param l7ProxyPort null: none stands behind it
 */
export function readListFlags (text: string | null, l7ProxyPort: number | null): ListFlags {
  const [word = '', ...flags] = (text ?? '').split(',').map(flag => flag.trim())
  const type = word === '' ? 'ClusterIP' : typeNamed(word)
  const traits: { -readonly [K in keyof ServiceTraits]: ServiceTraits[K] } = {}
  const lost: string[] = []
  const lose = (flag: string, why: string): void => { lost.push(`flag ${flag}: ${why}`) }
  if (l7ProxyPort !== null) traits.l7ProxyPort = l7ProxyPort
  for (const flag of flags) {
    const why = Object.hasOwn(notInList, flag) ? notInList[flag] : undefined
    if (why !== undefined) lose(flag, why)
    else if (flag === 'sessionAffinity') {
      // both would be the first word of the entry
      if (l7ProxyPort !== null) lose(flag, 'a service that goes to a proxy has none')
      else {
        traits.sessionAffinity = { timeoutSeconds: defaultAffinityTimeoutSeconds }
        lose(flag, `its timeout is not in this list and taken to be ${defaultAffinityTimeoutSeconds} s, the default of Kubernetes`)
      }
    } else if (flag === 'l7-load-balancer') {
      if (l7ProxyPort === null) lose(flag, 'the port of the proxy is not in this list')
    } else if (flag === 'dsr') traits.forwardingMode = 'dsr'
    else if (flag === 'delegate-if-local') traits.proxyDelegation = 'delegate-if-local'
    else if (flag === 'loopback' && type === 'HostPort') traits.loopbackHostPort = true
    // follows from the type and the node's options
    else if (flag !== 'non-routable') lose(quoted(flag), 'it is not known here')
  }
  return { type, word, traits, lost }
}
