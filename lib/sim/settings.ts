// Settings of a node from those that someone gave and those they are to be completed with.

import type { NodeSettings as LbNodeSettings } from '../loadbalancer/index.ts'
import type { NodeSettingsInput } from './types.ts'

/** Members given replace those of `base`, map sizes one by one; all stand in the order of `base`: equal settings are equal JSON. */
export function completeSettings (base: LbNodeSettings, given: NodeSettingsInput & { readonly name: string }): LbNodeSettings {
  return { ...base, ...given, mapSizes: { ...base.mapSizes, ...given.mapSizes } }
}
