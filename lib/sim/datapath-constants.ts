// A node's settings -> the load-time constants of its program.

import { dispatches, forwardings, selections } from '../datapath/index.ts'
import type { LoadTimeConstants } from '../datapath/index.ts'
import { sharedTableSize } from '../loadbalancer/index.ts'
import type { NodeSettings } from '../loadbalancer/index.ts'
import { parseAddress, parseSeed } from '../maglev/index.ts'
import { SimError } from './errors.ts'

/** @param addresses of the node, the first of a family is the source of what is sent to backends inside another packet */
export function datapathConstants (settings: NodeSettings, addresses: readonly string[]): Partial<LoadTimeConstants> {
  const seed = parseSeed(settings.seed)
  if (!seed.ok) throw new SimError('INVALID_ARGUMENT', `node ${settings.name}: ${seed.reason}`)
  const { options } = settings
  const flag = (name: string): number => options[name] === false ? 0 : 1
  return {
    hashInit4Seed: seed.seed.jhash4,
    hashInit6Seed: seed.seed.jhash6,
    maglevTableSize: sharedTableSize(settings),
    selection: selections.indexOf(options['bpf-lb-algorithm-annotation'] === true ? `${settings.algorithm}-or-said` : settings.algorithm),
    fragments4: flag('enable-ipv4-fragment-tracking'),
    fragments6: flag('enable-ipv6-fragment-tracking'),
    forwarding: forwardings.indexOf(forwardingOf(options)),
    dispatch: dispatches.indexOf(options['bpf-lb-dsr-dispatch'] === 'ipip' ? 'ipip' : 'option'),
    directRouting4: firstOf(addresses, 4),
    directRouting6: firstOf(addresses, 16)
  }
}

function forwardingOf (options: NodeSettings['options']): typeof forwardings[number] {
  if (options['bpf-lb-mode-annotation'] === true) return 'as-said'
  switch (options['bpf-lb-mode']) {
    case 'dsr': return 'direct-return'
    case 'hybrid': return 'hybrid'
    default: return 'translated'
  }
}

function firstOf (addresses: readonly string[], length: 4 | 16): Uint8Array {
  const found = addresses.map((address) => parseAddress(address)?.bytes).find((bytes) => bytes?.length === length)
  return found ?? new Uint8Array(length)
}
