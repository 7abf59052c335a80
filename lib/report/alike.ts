// Nodes whose tables are equal, as those of `blob` and `compact` at one M: a report says the same of them, so it is said once.

import type { Cell } from './table.ts'

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

/**
 * Rows that begin with the name of a node: those that are equal but for it become one, where the first of them is, and name them all.
 * @returns `all` where that is so
 */
export function rowsOnce (nodes: readonly unknown[], rows: readonly Cell[][]): Cell[][] {
  const names = new Map<string, Cell[]>()
  const keyOf = ([, ...cells]: readonly Cell[]): string => JSON.stringify(cells)
  for (const row of rows) names.set(keyOf(row), [...names.get(keyOf(row)) ?? [], row[0] ?? null])
  const first = new Map(rows.toReversed().map((row) => [keyOf(row), row]))
  return rows.filter((row) => first.get(keyOf(row)) === row).map(([, ...cells]) => {
    const of = names.get(JSON.stringify(cells)) ?? []
    return [nodes.length > 1 && of.length === nodes.length ? 'all' : of.join(', '), ...cells]
  })
}
