// Findings as text, JSON and SARIF 2.1.0.

import { counted, formatBytes } from '../../../lib/report/words.ts'
import type { CheckFigures, CheckResult, Finding } from './finding.ts'
import { rules } from './rules.ts'

/** @param notes whether findings of that level are listed, and not only counted */
export function asText ({ findings, assumptions }: CheckResult, figures: CheckFigures, notes: boolean): string {
  const count = (wanted: string): number => findings.filter(({ level }) => level === wanted).length
  return [
    ...findings.filter(({ level }) => notes || level !== 'note').map(textOf),
    ...(assumptions.length === 0 ? [] : [`for a node as full as any can be: ${assumptions.join('; ')}`]),
    summaryOf(figures),
    `${counted(count('error'), 'error')}, ${counted(count('warning'), 'warning')}, ${counted(count('note'), 'note')}`, ''
  ].join('\n')
}

function textOf ({ rule, level, message, help, file, line, object, field }: Finding): string {
  return [
    `${file === null ? '' : `${file}:${line ?? 1}: `}${level}: ${message} [${rule}]`,
    ...(object === null && field === null ? [] : [`    ${[object, field].filter((one) => one !== null).join(' ')}`]),
    `    ${help}`
  ].join('\n')
}

function summaryOf (figures: CheckFigures): string {
  const { services, frontends, tables, memoryBytes, tableBytes, pressures, convergenceSeconds, disruption } = figures
  const [fullest] = pressures
  return `${counted(services, 'service')}, ${counted(frontends, 'frontend')}, ${counted(tables, 'table')}` +
    (memoryBytes === null ? '' : `; maps ${formatBytes(memoryBytes)}, of which tables ${formatBytes(tableBytes ?? 0)}`) +
    (disruption === null ? '' : `; when a backend leaves at most ${(100 * disruption.share).toFixed(2)} % of a service's flows move without need (${disruption.service})`) +
    (fullest === undefined ? '' : `; fullest map ${fullest.map} ${(100 * fullest.pressure).toFixed(2)} %`) +
    (convergenceSeconds === null ? '' : `; slowest rolling restart ${convergenceSeconds.toFixed(2)} s (computed)`)
}

/** What is wrong with the input, for standard error: a line each. */
export const asComplaint = (findings: readonly Finding[]): string => findings.map(complaintOf).join('\n  ')

/** The first, and how many more there are. */
export function asFirstComplaint (findings: readonly Finding[]): string {
  const more = findings.length > 1 ? ` (and ${findings.length - 1} more)` : ''
  return findings.slice(0, 1).map(complaintOf).join('') + more
}

function complaintOf ({ message, file, line, object, field }: Finding): string {
  const place = [object, field].filter((one) => one !== null).join(' ')
  return `${file === null ? '' : `${file}:${line ?? 1}: `}${place === '' ? '' : `${place}: `}${message}`
}

/** @param version of this tool */
export function asSarif ({ findings, assumptions, figures }: CheckResult, version: string): object {
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [{
      tool: {
        driver: {
          name: 'maglev-sim',
          version,
          rules: rules.map(({ id, level, title, help }) => ({
            id, shortDescription: { text: title }, help: { text: help }, defaultConfiguration: { level }
          }))
        }
      },
      // the exit code says what was found, this whether anything could be checked
      invocations: [{ executionSuccessful: figures !== null }],
      ...(assumptions.length === 0 ? {} : { properties: { assumptions } }),
      columnKind: 'utf16CodeUnits',
      results: findings.map(resultOf)
    }]
  }
}

function resultOf ({ rule, level, message, help, file, line, object, field }: Finding): object {
  return {
    ruleId: rule,
    ruleIndex: rules.findIndex(({ id }) => id === rule),
    level,
    message: { text: `${message}. ${help}` },
    locations: file === null && object === null
      ? []
      : [{
          ...(file === null ? {} : { physicalLocation: { artifactLocation: { uri: encodeURI(file) }, region: { startLine: line ?? 1 } } }),
          ...(object === null ? {} : { logicalLocations: [{ fullyQualifiedName: object, kind: 'object' }] })
        }],
    ...(field === null ? {} : { properties: { field } })
  }
}
