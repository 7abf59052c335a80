// /v1/imports: Kubernetes objects and configuration in, as `kubectl get -o json|yaml` prints them or as people write them; and
// what Cilium's own commands print of a machine, alone or in a sysdump.

import { Type } from 'typebox'
import { jsonAnswer } from './support/answers.ts'
import type { Route } from './support/context.ts'
import { limits } from './support/limits.ts'
import { ImportReport, OneOf } from './support/schemas.ts'
import { inSteps } from './support/steps.ts'

const example = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace: 'shop', name: 'api' },
  spec: { type: 'NodePort', clusterIP: '10.96.7.7', ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 8080, nodePort: 30080 }] }
}

// what is inside is the importer's to judge: it names what it skips, where a schema could only refuse
const Documents = Type.Unsafe<Buffer>({ title: 'Documents', description: 'One object, a List, or (as a YAML stream or a JSON array) several of them; JSON or text of `cilium-dbg service list`, `bpf lb list` or `config --all`; or an archive of such files.', examples: [example] })

const manifestTypes = ['application/json', 'application/yaml', 'application/x-yaml', 'text/yaml', 'text/x-yaml']
// what it is, is seen by its first bytes
const dumpTypes = ['text/plain', 'text/markdown', 'application/zip', 'application/gzip', 'application/x-gzip', 'application/x-tar', 'application/octet-stream']

export const imports: Route = async (app, { sim, documents }) => {
  app.post('/v1/imports', {
    bodyLimit: limits.importBodyBytes,
    config: { rawBody: true, turn: 'own', atOnce: limits.importsAtOnce },
    schema: {
      operationId: 'importDocuments',
      tags: ['imports'],
      summary: 'Import Kubernetes objects, or dumps of a Cilium agent',
      description: 'Service, EndpointSlice, Pod (of its host ports), Node and the ConfigMap `cilium-config`; others are skipped and listed. All or nothing: where one object cannot be taken in, nothing changes. Lists that an agent printed (`cilium-dbg service list`, `bpf lb list`, as JSON or text) give services of source `dump`; `config --all` changes node `cilium` as the ConfigMap does; of a sysdump (zip, tar, tar.gz) the lists of one agent are taken, and what is passed over is listed. A large import is written in steps: until it is answered, lookups meet maps of a node that are half old and half new, as on a machine, while services, state and revision read as before.',
      querystring: Type.Object({
        operation: OneOf(['apply', 'delete'], 'Whether the objects come or go.', { default: 'apply' }),
        dryRun: Type.Boolean({ default: false, description: 'Only say what would happen.' }),
        warnings: Type.Boolean({ default: false, description: 'Say what Cilium says nothing about afterwards: of the services that the import names, changed or not, and of the nodes as a whole; of all services where it changes addresses or labels of nodes, and on node `cilium` where it changes its options.' })
      }, { additionalProperties: false }),
      consumes: [...manifestTypes, ...dumpTypes],
      body: Documents,
      response: { 200: jsonAnswer('What was done, or would be.', ImportReport) }
    }
  }, async (request) => {
    const { documents: read, files } = await documents.read(request.body, formatOf(request.headers['content-type'] ?? ''))
    return app.inTurn(() => inSteps(sim.importSteps(read, { ...request.query, ...(files === undefined ? {} : { files }) })))
  })
}

function formatOf (contentType: string): 'json' | 'yaml' | 'dump' {
  const [type = ''] = contentType.toLowerCase().split(';')
  return type.includes('yaml') ? 'yaml' : dumpTypes.includes(type.trim()) ? 'dump' : 'json'
}
