// Worker threads do not inherit the TypeScript loader on Node 20: this entry registers it, then runs the writer.
import { register } from 'tsx/esm/api'

register()
await import('./writer.ts')
