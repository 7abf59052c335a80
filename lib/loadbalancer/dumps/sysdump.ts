// Which files of a sysdump, or of one cilium-bugtool archive, say something about the load balancer, and which of several agents is taken:
// each lists the services of the same cluster, under ids of its own.

import type { DumpKind } from './texts.ts'

export interface SysdumpFile {
  /** path in the archive */
  readonly path: string
  /** Kubernetes objects: YAML or JSON documents; else a text that a command printed, or JSON of the same */
  readonly what: DumpKind | 'manifests'
  /** folder of the agent; '' for manifests */
  readonly agent: string
}

/** names that bugtool gives to what a command printed, of the command before and after its renaming in 1.15 */
const commands: ReadonlyArray<readonly [kind: DumpKind, pattern: RegExp]> = [
  ['service-list', /^cilium(-dbg)?-service-list(-o-json)?\.(md|txt|json)$/],
  ['bpf-lb-list', /^cilium(-dbg)?-bpf-lb-list(-o-json)?\.(md|txt|json)$/],
  ['bpf-lb-maglev-list', /^cilium(-dbg)?-bpf-lb-maglev-list(-o-json)?\.(md|txt|json)$/],
  ['config', /^cilium(-dbg)?-config-+(a|all)\.(md|txt)$/]
]

const manifests = /^(cilium-configmap|k8s-services|k8s-endpointslices|k8s-nodes)(-[\d-]+)?\.(ya?ml|json)$/

/** @returns null for a file that says nothing about services */
export function sysdumpFile (path: string): SysdumpFile | null {
  const steps = path.split('/')
  const name = steps.at(-1) ?? ''
  if (manifests.test(name)) return { path, what: 'manifests', agent: '' }
  const kind = commands.find(([, pattern]) => pattern.test(name.toLowerCase().replaceAll(/[ _]+/g, '-')))?.[0]
  return kind === undefined ? null : { path, what: kind, agent: steps.slice(0, -1).filter(step => step !== 'cmd').join('/') }
}

export interface SysdumpChoice {
  readonly taken: readonly SysdumpFile[]
  readonly passedOver: ReadonlyArray<{ readonly path: string, readonly reason: string }>
}

/** Lists of one agent where there are any, and the configuration; else the Kubernetes objects. */
export function chooseFiles (files: readonly SysdumpFile[]): SysdumpChoice {
  const lists = files.filter(({ what }) => what === 'service-list' || what === 'bpf-lb-list')
  const agents = [...new Set(lists.map(({ agent }) => agent))].sort()
  const [chosen] = agents
  // names, states and weights are in the service list only
  const list = lists.find(({ agent, what }) => agent === chosen && what === 'service-list') ?? lists.find(({ agent }) => agent === chosen)
  const taken: SysdumpFile[] = []
  const passedOver: { path: string, reason: string }[] = []
  for (const file of files) {
    const reason = whyNot(file, list, chosen)
    if (reason === null) taken.push(file)
    else passedOver.push({ path: file.path, reason })
  }
  return { taken, passedOver }
}

function whyNot (file: SysdumpFile, list: SysdumpFile | undefined, agent: string | undefined): string | null {
  const isConfigMap = /(^|\/)cilium-configmap[^/]*$/.test(file.path)
  if (file.what === 'manifests') return list === undefined || isConfigMap ? null : `services and addresses are taken from ${list.path}`
  if (file.what === 'bpf-lb-maglev-list') return 'tables are built and not imported; compare them: POST /v1/nodes/{name}/table-comparisons'
  if (list !== undefined && file.agent !== agent) return `another agent's; taken are those of ${agent}`
  if (file.what === 'config') return null
  return file === list ? null : `services are taken from ${list?.path ?? ''}`
}
