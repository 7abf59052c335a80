// A list of EndpointSlices of a given size as `kubectl get endpointslices -o json` prints it, book-keeping and all.

export interface SliceListOptions {
  readonly bytes: number
  /** endpoints of each slice; Kubernetes fills up to 100 */
  readonly endpoints?: number
}

export function endpointSliceList ({ bytes, endpoints = 100 }: SliceListOptions): string {
  const items: object[] = []
  const one = JSON.stringify(slice(0, endpoints), null, 4).length * 1.3
  for (let index = 0; index < bytes / one; index++) items.push(slice(index, endpoints))
  let text = print(items)
  while (text.length < bytes) {
    items.push(slice(items.length, endpoints))
    if (items.length % 16 === 0 || text.length + 2 * one > bytes) text = print(items)
  }
  return text
}

const print = (items: object[]): string => JSON.stringify({ apiVersion: 'v1', items, kind: 'List', metadata: { resourceVersion: '' } }, null, 4)

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0')

function slice (index: number, endpoints: number): object {
  const service = `service-${index}`
  return {
    addressType: 'IPv4',
    apiVersion: 'discovery.k8s.io/v1',
    endpoints: Array.from({ length: endpoints }, (_, endpoint) => ({
      addresses: [address(index * endpoints + endpoint)],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: `worker-${endpoint % 60}.example.com`,
      targetRef: { kind: 'Pod', name: `${service}-7c9d8b6f54-${hex(endpoint, 5)}`, namespace: 'load', uid: `5f0e3c1a-0000-4000-8000-${hex(index * endpoints + endpoint, 12)}` },
      zone: `zone-${endpoint % 3}`
    })),
    kind: 'EndpointSlice',
    metadata: {
      annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': '2026-11-20T10:00:00Z' },
      creationTimestamp: '2026-11-20T09:00:00Z',
      generateName: `${service}-`,
      generation: 3,
      labels: { 'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io', 'kubernetes.io/service-name': service },
      name: `${service}-abcde`,
      namespace: 'load',
      ownerReferences: [{ apiVersion: 'v1', blockOwnerDeletion: true, controller: true, kind: 'Service', name: service, uid: `7f0e3c1a-0000-4000-8000-${hex(index, 12)}` }],
      resourceVersion: String(100_000 + index),
      uid: `9f0e3c1a-0000-4000-8000-${hex(index, 12)}`
    },
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }]
  }
}

const address = (value: number): string => `10.${100 + (value >>> 16)}.${value >>> 8 & 0xff}.${value & 0xff}`
