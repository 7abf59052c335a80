// A headless Chromium over the DevTools protocol: enough of it to use a page as a person does. It has no network but loopback.

import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { WebSocket } from 'undici'

/** far more than any answer takes, so that a test says what did not come */
const untilMs = 60_000

const names = ['chromium', 'chromium-browser', 'google-chrome']

/** Where a browser is installed; null: there is none. */
export function findChromium (): string | null {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable) ?? null
}

function isExecutable (file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: Record<string, unknown>
  readonly result?: Record<string, unknown>
  readonly error?: { readonly message: string }
}

export interface View {
  readonly width: number
  readonly height: number
  readonly dark: boolean
}

export class Tab {
  /** errors of scripts, refusals by the page's policy, resources that did not load */
  readonly complaints: string[] = []
  /** addresses asked for */
  readonly requests: string[] = []
  readonly #socket: WebSocket
  readonly #browser: ChildProcess
  readonly #profile: string
  readonly #waiting = new Map<number, (message: Message) => void>()
  readonly #listening = new Map<string, () => void>()
  #session: string | undefined
  #lastId = 0

  private constructor (socket: WebSocket, browser: ChildProcess, profile: string) {
    this.#socket = socket
    this.#browser = browser
    this.#profile = profile
    socket.addEventListener('message', ({ data }) => this.#receive(JSON.parse(String(data)) as Message))
  }

  static async open (executable: string): Promise<Tab> {
    const profile = mkdtempSync(join(tmpdir(), 'maglev-sim-page-'))
    const browser = spawn(executable, [
      '--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-dev-shm-usage', '--remote-debugging-port=0', `--user-data-dir=${profile}`,
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1', 'about:blank'
    ], { stdio: ['ignore', 'ignore', 'pipe'], detached: true })
    const socket = new WebSocket(await endpointOf(browser))
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve)
      socket.addEventListener('error', reject)
    })
    const tab = new Tab(socket, browser, profile)
    const { targetId } = await tab.send('Target.createTarget', { url: 'about:blank' })
    tab.#session = (await tab.send('Target.attachToTarget', { targetId, flatten: true }))['sessionId'] as string
    for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await tab.send(`${domain}.enable`)
    return tab
  }

  send (method: string, params: object = {}): Promise<Record<string, unknown>> {
    const id = ++this.#lastId
    this.#socket.send(JSON.stringify({ id, method, params, ...(this.#session === undefined ? {} : { sessionId: this.#session }) }))
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ result = {}, error }) => error === undefined ? resolve(result) : reject(new Error(`${method}: ${error.message}`)))
    })
  }

  #receive ({ id, method = '', params = {}, ...message }: Message): void {
    if (id !== undefined) this.#waiting.get(id)?.(message)
    if (method === 'Runtime.exceptionThrown') this.complaints.push(JSON.stringify(params['exceptionDetails']).slice(0, 400))
    if (method === 'Log.entryAdded') this.complaints.push(String((params['entry'] as { text: string }).text))
    if (method === 'Network.requestWillBeSent') this.requests.push((params['request'] as { url: string }).url)
    this.#listening.get(method)?.()
  }

  async goTo (url: string): Promise<void> {
    const loaded = new Promise<void>((resolve) => { this.#listening.set('Page.loadEventFired', resolve) })
    await this.send('Page.navigate', { url })
    await loaded
  }

  async view ({ width, height, dark }: View): Promise<void> {
    await this.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: width < 500 })
    await this.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }] })
  }

  /** @param expression its value, or that of its promise, as JSON */
  async evaluate<T> (expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true }) as
      { result: { value: T }, exceptionDetails?: { exception?: { description?: string } } }
    if (exceptionDetails !== undefined) throw new Error(exceptionDetails.exception?.description ?? expression)
    return result.value
  }

  /** Resolves when the condition holds, which is looked at whenever the document changes. */
  async until (condition: string): Promise<void> {
    await this.evaluate(`new Promise((resolve, reject) => {
      const holds = () => { if (${condition}) { observer.disconnect(); resolve(true) } }
      setTimeout(() => reject(new Error(${JSON.stringify(`waited ${untilMs / 1000} s for ${condition}`)})), ${untilMs})
      const observer = new MutationObserver(holds)
      observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true })
      holds()
    })`)
  }

  /** Puts text into a field in place of what is there. */
  async type (selector: string, text: string): Promise<void> {
    await this.evaluate(`document.querySelector(${JSON.stringify(selector)}).select()`)
    await this.evaluate(`document.querySelector(${JSON.stringify(selector)}).focus()`)
    await this.send('Input.insertText', { text })
  }

  async press (key: 'Enter' | 'Tab' | 'ArrowRight'): Promise<void> {
    const code = { Enter: 13, Tab: 9, ArrowRight: 39 }[key]
    const event = { key, code: key, windowsVirtualKeyCode: code, ...(key === 'Enter' ? { text: '\r' } : {}) }
    await this.send('Input.dispatchKeyEvent', { type: 'keyDown', ...event })
    await this.send('Input.dispatchKeyEvent', { type: 'keyUp', ...event })
  }

  /** PNG of the whole page. */
  async screenshot (): Promise<Buffer> {
    const { data } = await this.send('Page.captureScreenshot', { captureBeyondViewport: true })
    return Buffer.from(String(data), 'base64')
  }

  async close (): Promise<void> {
    const ended = new Promise((resolve) => { this.#browser.once('exit', resolve) })
    this.#socket.close()
    // it is the leader of a group of its own: with it go its helpers, of which one that is asked to end sometimes does not
    if (this.#browser.pid !== undefined) process.kill(-this.#browser.pid, 'SIGKILL')
    await ended
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 10 })
  }
}

/** It prints where it listens. */
async function endpointOf (browser: ChildProcess): Promise<string> {
  const said: string[] = []
  if (browser.stderr !== null) {
    for await (const line of createInterface({ input: browser.stderr })) {
      const [, endpoint] = /^DevTools listening on (ws:\S+)$/.exec(line) ?? []
      if (endpoint !== undefined) {
        browser.stderr.resume()
        return endpoint
      }
      said.push(line)
    }
  }
  throw new Error(`the browser did not start: ${said.join('\n').slice(0, 1000)}`)
}
