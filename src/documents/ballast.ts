// What `kubectl get -o json` prints and no load balancer reads: half of a list of EndpointSlices. Dropping it in the
// worker thread halves what has to cross to the main thread. Only book-keeping goes; an importer that wants a member
// that is listed here takes it off the list.

const metadataBallast = ['managedFields', 'ownerReferences', 'resourceVersion', 'uid', 'generation', 'generateName', 'creationTimestamp', 'selfLink']
const appliedConfiguration = 'kubectl.kubernetes.io/last-applied-configuration'

type JsonObject = Record<string, unknown>

/** Changes the documents in place. */
export function dropBallast (documents: readonly unknown[]): void {
  for (const document of documents) {
    if (!isObject(document)) continue
    const { metadata, items, endpoints } = document
    if (isObject(metadata)) lighten(metadata)
    if (Array.isArray(items)) dropBallast(items)
    if (Array.isArray(endpoints)) {
      for (const endpoint of endpoints as unknown[]) if (isObject(endpoint)) delete endpoint['targetRef']
    }
  }
}

function lighten (metadata: JsonObject): void {
  for (const name of metadataBallast) delete metadata[name]
  const annotations = metadata['annotations']
  if (isObject(annotations)) delete annotations[appliedConfiguration]
}

const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)
