// /v1/imports: Kubernetes objects and configuration in, as `kubectl get -o json|yaml` prints them or as people write them.

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
const Documents = Type.Unsafe<Buffer>({ title: 'Documents', description: 'One object, a List, or (as a YAML stream or a JSON array) several of them.', examples: [example] })

const documentTypes = ['application/json', 'application/yaml', 'application/x-yaml', 'text/yaml', 'text/x-yaml']

export const imports: Route = async (app, { sim, documents }) => {
  app.post('/v1/imports', {
    bodyLimit: limits.importBodyBytes,
    config: { rawBody: true, turn: 'own', atOnce: limits.importsAtOnce },
    schema: {
      operationId: 'importDocuments',
      tags: ['imports'],
      summary: 'Import Kubernetes objects',
      description: 'Service, EndpointSlice, Node and the ConfigMap `cilium-config`; others are skipped and listed. All or nothing: where one object cannot be taken in, nothing changes.',
      querystring: Type.Object({
        operation: OneOf(['apply', 'delete'], 'Whether the objects come or go.', { default: 'apply' }),
        dryRun: Type.Boolean({ default: false, description: 'Only say what would happen.' })
      }, { additionalProperties: false }),
      consumes: documentTypes,
      body: Documents,
      response: { 200: jsonAnswer('What was done, or would be.', ImportReport) }
    }
  }, async (request) => {
    const format = request.headers['content-type']?.includes('yaml') === true ? 'yaml' : 'json'
    const read = await documents.read(request.body, format)
    const { operation, dryRun } = request.query
    return app.inTurn(() => inSteps(sim.importSteps(read, { operation, dryRun })))
  })
}
