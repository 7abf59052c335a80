// A node's settings -> the load-time constants of its program.

import { dispatches, forwardings, selections } from '../datapath/index.ts'
import type { LoadTimeConstants } from '../datapath/index.ts'
import { chosen, heedsAlgorithms, isOn, secondsOf, sharedTableSize } from '../loadbalancer/index.ts'
import type { NodeSettings } from '../loadbalancer/index.ts'
import { parseAddress, parseSeed } from '../maglev/index.ts'
import { SimError } from './errors.ts'

/** @param addresses of the node, the first of a family is the source of what is sent to backends inside another packet */
export function datapathConstants (settings: NodeSettings, addresses: readonly string[]): Partial<LoadTimeConstants> {
  const seed = parseSeed(settings.seed)
  if (!seed.ok) throw new SimError('INVALID_ARGUMENT', `node ${settings.name}: ${seed.reason}`)
  const flag = (on: boolean): number => on ? 1 : 0
  return {
    hashInit4Seed: seed.seed.jhash4,
    hashInit6Seed: seed.seed.jhash6,
    maglevTableSize: sharedTableSize(settings),
    selection: selections.indexOf(heedsAlgorithms(settings) ? `${settings.algorithm}-or-said` : settings.algorithm),
    upTo116: flag(settings.release !== '1.17+'),
    halfTable: flag(settings.defect === 'half-table'),
    fragments4: flag(isOn(settings, 'enable-ipv4-fragment-tracking')),
    fragments6: flag(isOn(settings, 'enable-ipv6-fragment-tracking')),
    conntrack: flag(settings.conntrack),
    forwarding: forwardings.indexOf(forwardingOf(settings)),
    dispatch: dispatches.indexOf(chosen(settings, 'bpf-lb-dsr-dispatch') === 'ipip' ? 'ipip' : 'option'),
    ctTimeoutTcp: secondsOf(settings, 'bpf-ct-timeout-service-tcp'),
    ctTimeoutSyn: secondsOf(settings, 'bpf-ct-timeout-regular-tcp-syn'),
    ctTimeoutClosing: secondsOf(settings, 'bpf-ct-timeout-service-tcp-grace'),
    ctTimeoutAny: secondsOf(settings, 'bpf-ct-timeout-service-any'),
    directRouting4: firstOf(addresses, 4),
    directRouting6: firstOf(addresses, 16)
  }
}

/** What the program for packets of a node's own pods has instead (config.h). */
export const constantsOfPods: Partial<LoadTimeConstants> = {
  eastWest: 1, selection: selections.indexOf('random'), forwarding: forwardings.indexOf('translated')
}

function forwardingOf (settings: NodeSettings): typeof forwardings[number] {
  if (isOn(settings, 'bpf-lb-mode-annotation')) return 'as-said'
  switch (chosen(settings, 'bpf-lb-mode')) {
    case 'dsr': return 'direct-return'
    case 'hybrid': return 'hybrid'
    case 'snat': return 'translated'
  }
}

function firstOf (addresses: readonly string[], length: 4 | 16): Uint8Array {
  const found = addresses.map((address) => parseAddress(address)?.bytes).find((bytes) => bytes?.length === length)
  return found ?? new Uint8Array(length)
}
