// `cilium-dbg service list`, as JSON (the shape of Cilium's own REST interface) and as text.

import { defaultWeight, frontendTypes } from '../service.ts'
import { backendStates, canonicalAddress } from '../../maglev/index.ts'
import type { LbResult } from '../errors.ts'
import { describe, isRecord } from '../k8s/fields.ts'
import type { Field } from '../k8s/fields.ts'
import type { Steps } from '../steps.ts'
import { parseDumpedEndpoint, protocolNamed, stateNamed, typeNamed } from './frontends.ts'
import type { DumpedBackend, DumpedFrontend } from './frontends.ts'
import { columnsOf, documentText, LINES_PER_STEP, quoted, TextProblems } from './texts.ts'
import type { ReadText } from './texts.ts'

/** A frontend that is left out, and why. */
export interface LeftOut {
  readonly pointer: string
  readonly name: string
  readonly reason: string
}

export interface FrontendList {
  readonly frontends: readonly DumpedFrontend[]
  readonly leftOut: readonly LeftOut[]
}

/** One element of the list: `{"spec": {...}, "status": {"realized": {...}}}`. */
export function isServiceListEntry (document: unknown): boolean {
  if (!isRecord(document) || document['kind'] !== undefined) return false
  return [document['spec'], isRecord(document['status']) ? document['status']['realized'] : undefined]
    .some(one => isRecord(one) && one['frontend-address'] !== undefined)
}

/** What is realised goes before what was asked for. Faults are noted by the field. */
export function readServiceEntry (entry: Field): FrontendList {
  const realised = entry.member('status').member('realized')
  const spec = realised.present ? realised : entry.member('spec')
  const frontend = spec.member('frontend-address')
  const flags = spec.member('flags')
  const type = flags.member('type').text() ?? 'ClusterIP'
  const name = flags.member('name').text() ?? ''
  const namespace = flags.member('namespace').text() ?? ''
  const address = readAddress(frontend.member('ip'))
  const port = frontend.member('port')
  const named = name === '' ? address : `${namespace}/${name}`
  if (type === 'LocalRedirect') return leaveOut(entry.pointer, named, 'a local redirect policy is not load balancing over a service')
  const known = typeNamed(type)
  if (known === undefined) flags.member('type').wrong(`${describe(type)} is not one of ${frontendTypes.join(', ')}, LocalRedirect`)
  const scope = frontend.member('scope').oneOf(['external', 'internal']) ?? 'external'
  // port 0 with any protocol: the entry that drops what goes to other ports of the address
  if (port.raw === 0) return leaveOut(entry.pointer, named, 'the wildcard entry of an address follows from its frontends')
  return {
    frontends: [{
      pointer: entry.pointer,
      place: documentText(entry.pointer),
      id: readId(spec.member('id')),
      address,
      port: port.port() ?? missingPort(port),
      protocol: readProtocol(frontend.member('protocol')),
      scope,
      type: known ?? 'ClusterIP',
      service: name === '' || namespace === '' ? null : { namespace, name },
      backends: spec.member('backend-addresses').items().flatMap(readBackend),
      ...readServiceFlags(flags)
    }],
    leftOut: []
  }
}

/** What its service asks for; older lists have one policy for all clients. */
function readServiceFlags (flags: Field): Pick<DumpedFrontend, 'traits' | 'lost'> {
  const healthCheck = flags.member('healthCheckNodePort')
  const healthCheckNodePort = healthCheck.raw === 0 ? undefined : healthCheck.port()
  const external = flags.member('extTrafficPolicy').text() ?? flags.member('trafficPolicy').text()
  const internal = flags.member('intTrafficPolicy').text()
  const lost: string[] = []
  const notKept = 'the policy is not kept: the backends are those that this machine has for'
  if (external === 'Local') lost.push(`extTrafficPolicy Local: ${notKept} clients from outside`)
  if (internal === 'Local') lost.push(`intTrafficPolicy Local: ${notKept} its own clients`)
  const natPolicy = flags.member('natPolicy').text() ?? 'None'
  if (natPolicy !== 'None' && natPolicy !== '') lost.push(`natPolicy ${quoted(natPolicy)}: translation between IPv4 and IPv6 is not built`)
  return { traits: healthCheckNodePort === undefined ? {} : { healthCheckNodePort }, lost }
}

function readBackend (field: Field): DumpedBackend[] {
  const address = readAddress(field.member('ip'))
  // where an L7 proxy takes the flows, Cilium lists it as one backend more
  if (address === '127.0.0.1' || address === '::1') return []
  const weight = field.member('weight')
  if (weight.present && !(Number.isInteger(weight.raw) && Number(weight.raw) >= 0 && Number(weight.raw) <= 65535)) {
    weight.wrong(`${describe(weight.raw)} is not an integer from 0 to 65535`)
  }
  const port = field.member('port')
  const nodeName = field.member('nodeName').text()
  const zone = field.member('zone').text()
  return [{
    address,
    port: port.port() ?? missingPort(port),
    protocol: readProtocol(field.member('protocol')),
    state: field.member('state').oneOf(backendStates) ?? 'active',
    weight: weight.present ? Number(weight.raw) : defaultWeight,
    ...(nodeName === undefined || nodeName === '' ? {} : { nodeName }),
    ...(zone === undefined || zone === '' ? {} : { zone })
  }]
}

function readAddress (field: Field): string {
  const text = field.text()
  const address = canonicalAddress(text ?? '')
  if (address === null) field.wrong(text === undefined ? 'an address is missing' : `${describe(text)} is not an IP address`)
  return address ?? ''
}

function readId (field: Field): number | null {
  if (!field.present) return null
  const id = field.raw
  if (Number.isInteger(id) && Number(id) >= 0 && Number(id) <= 0xffff) return Number(id)
  field.wrong(`${describe(id)} is no id from 0 to 65535`)
  return null
}

function readProtocol (field: Field): DumpedFrontend['protocol'] {
  const text = field.text()
  if (text === undefined || text === '') return null
  const protocol = protocolNamed(text)
  if (protocol === undefined) field.wrong(`${describe(text)} is not one of TCP, UDP, SCTP, ANY, NONE`)
  return protocol ?? null
}

function missingPort (field: Field): number {
  if (!field.present) field.wrong('a port is missing')
  return 1
}

const leaveOut = (pointer: string, name: string, reason: string): FrontendList => ({ frontends: [], leftOut: [{ pointer, name, reason }] })

/** Pauses now and then. @param pointer of the document. @param file in words */
export function * readServiceListText ({ head, lines }: ReadText, pointer: string, file: string): Steps<LbResult<FrontendList>> {
  const problems = new TextProblems(pointer, file)
  const starts = ['ID', 'Frontend', 'Service Type', 'Backend'].map(word => head.text.indexOf(word))
  const frontends: (DumpedFrontend & { backends: DumpedBackend[] })[] = []
  const leftOut: LeftOut[] = []
  let current: (typeof frontends)[number] | 'left out' | null = null
  for (const [index, line] of lines.entries()) {
    if (index % LINES_PER_STEP === 0) yield
    const [id = '', frontend = '', type = '', backend = ''] = columnsOf(line.text, starts)
    if (id !== '') {
      const endpoint = parseDumpedEndpoint(frontend)
      const known = typeNamed(type)
      current = 'left out'
      if (!/^\d{1,5}$/.test(id) || endpoint === null) problems.wrong(line, `${quoted(`${id} ${frontend}`)} is not ID and ADDRESS:PORT[/PROTOCOL]`)
      else if (known === undefined && type !== 'LocalRedirect') problems.wrong(line, `${quoted(type)} is not one of ${frontendTypes.join(', ')}, LocalRedirect`)
      else if (known === undefined || endpoint.port === 0) {
        leftOut.push({ pointer, name: frontend, reason: known === undefined ? 'a local redirect policy is not load balancing over a service' : 'the wildcard entry of an address follows from its frontends' })
      } else {
        const place = problems.placeOf(line)
        current = { pointer, place, id: Number(id), ...endpoint, type: known, service: null, backends: [], traits: {}, lost: [] }
        frontends.push(current)
      }
    } else if (current === null) problems.wrong(line, 'a backend stands before the first frontend')
    if (backend === '' || current === null || current === 'left out') continue
    const read = backendOf(backend)
    if (read === null) problems.wrong(line, `${quoted(backend)} is not NUMBER => ADDRESS:PORT[/PROTOCOL] (STATE)`)
    else current.backends.push(read)
  }
  return problems.or({ frontends, leftOut })
}

function backendOf (text: string): DumpedBackend | null {
  const match = /^\d{1,6} => (\S+)(?: \(([a-z-]+)\))?(?: \(preferred\))?$/.exec(text)
  const endpoint = match === null ? null : parseDumpedEndpoint(match[1] ?? '')
  const state = stateNamed(match?.[2] ?? 'active')
  if (endpoint === null || endpoint.port === 0 || state === undefined) return null
  const { address, port, protocol } = endpoint
  return { address, port, protocol, state, weight: defaultWeight }
}
