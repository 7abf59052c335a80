// Nodes whose tables are equal, as those of `blob` and `compact` at one M: a report says the same of them, so it is said once.

export interface Alike<Node> {
  /** `cilium, compact` */
  readonly names: string
  /** the first of them, which stands for all */
  readonly node: Node
}

/**
 * Nodes in groups, each where the first of its nodes is.
 * @param saidOf what is said of a node, as JSON has it
 */
export function alike<Node extends { readonly node: string }> (
  nodes: readonly Node[], saidOf: (node: Node) => unknown
): Array<Alike<Node>> {
  const groups = new Map<string, Node[]>()
  for (const node of nodes) {
    const key = JSON.stringify(saidOf(node))
    groups.set(key, [...groups.get(key) ?? [], node])
  }
  return [...groups.values()].flatMap((group) => {
    const [node] = group
    return node === undefined ? [] : [{ names: group.map((one) => one.node).join(', '), node }]
  })
}

/** @returns `cilium, compact: ...` for every sentence, once, with the names of all nodes of which it is said */
export function saidOnce<Node extends { readonly node: string }> (
  nodes: readonly Node[], sentencesOf: (node: Node) => readonly string[]
): string[] {
  const names = new Map<string, string[]>()
  for (const node of nodes) {
    for (const sentence of sentencesOf(node)) names.set(sentence, [...names.get(sentence) ?? [], node.node])
  }
  return [...names].map(([sentence, of]) => `${of.join(', ')}: ${sentence}`)
}
