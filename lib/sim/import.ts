// Kubernetes objects and dumps into the desired state: read, realised on every node and committed as one, or refused as one.

import { importDocumentSteps, nodeWarnings } from '../loadbalancer/index.ts'
import type { Steps } from '../loadbalancer/index.ts'
import { SimError, simErrorOf } from './errors.ts'
import { ImportFiles } from './import-files.ts'
import type { EmulatedNode } from './node.ts'
import type { NodeSet } from './node-set.ts'
import type { ImportReport } from './types.ts'

/** the node whose options the ConfigMap `cilium-config` sets */
const CILIUM_NODE = 'cilium'

export interface ImportOptions {
  readonly operation: 'apply' | 'delete'
  readonly dryRun: boolean
  /** say what Cilium says nothing about: of the services that the documents speak of, and of the nodes as a whole */
  readonly warnings?: boolean
  /** of an archive the file that each document stands in */
  readonly files?: readonly string[]
}

/**
 * Pauses every few milliseconds, so that a large import need not keep others waiting.
 * @throws SimError of the refusal; then nothing has changed
 */
export function importSteps (
  set: NodeSet, documents: readonly unknown[], options: ImportOptions, touch: () => void
): Steps<ImportReport> {
  return set.exclusively(() => namedSteps(set, documents, options, touch))
}

function * namedSteps (set: NodeSet, documents: readonly unknown[], options: ImportOptions, touch: () => void): Steps<ImportReport> {
  const files = new ImportFiles(options.files ?? [])
  try {
    const report = yield * stepsOf(set, documents, options, touch)
    return { ...report, skipped: files.skipped(report.skipped) }
  } catch (error) {
    throw error instanceof SimError ? files.refusal(error) : error
  }
}

function * stepsOf (
  set: NodeSet, documents: readonly unknown[], { operation, dryRun, warnings: wanted = false }: ImportOptions, touch: () => void
): Steps<ImportReport> {
  const settings = set.list().map((node) => node.settings)
  const ciliumSettings = settings.find(({ name }) => name === CILIUM_NODE) ?? null
  const imported = yield * importDocumentSteps(set.cluster, documents, { operation, ciliumSettings })
  if (!imported.ok) throw simErrorOf(imported.error)
  const { draft, counts } = imported.value
  const changed = imported.value.ciliumSettings
  const changes = counts.created + counts.updated + counts.deleted > 0
  if (changes) {
    yield * set.realiseSteps(draft, settings.map((one) => one.name === changed?.name ? changed : one), dryRun)
    if (!dryRun) touch()
  }
  const report = { revision: set.cluster.revision, ...counts }
  if (!wanted || dryRun) return report
  const { touched } = imported.value
  return { ...report, warnings: set.list().flatMap((node) => warningsOf(node, node.settings.name === changed?.name ? null : touched)) }
}

type ImportWarning = NonNullable<ImportReport['warnings']>[number]

/** Of each kind the first, and how many there are. @param touched services whose frontends count, besides the node as a whole; null: all */
function warningsOf ({ node, settings }: EmulatedNode, touched: ReadonlySet<string> | null): ImportWarning[] {
  const kinds = new Map<string, ImportWarning>()
  for (const { code, severity, message, frontend } of nodeWarnings(node)) {
    if (severity !== 'warning' || (frontend !== null && touched?.has(frontend.service) === false)) continue
    const known = kinds.get(code)
    const said = frontend === null ? message : `${frontend.service}: ${message}`
    kinds.set(code, { node: settings.name, code, count: (known?.count ?? 0) + 1, message: known?.message ?? said })
  }
  return [...kinds.values()]
}
