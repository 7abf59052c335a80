// What the page at / does with scripts: it asks for the same addresses as its forms and links, and puts what is new into place without
// loading the page again; it sends manifests; it reads out the points of charts. The server renders everything, so nothing is drawn here.

const typingPauseMs = 400

const byId = (id: string): HTMLElement => document.getElementById(id) ?? document.body
const main = byId('main')
let asking: AbortController | null = null
/** timer that asks when no more is typed */
let typing = 0

/** Fetches a view of the page and replaces every region that both have. */
async function show (url: URL, remember: boolean): Promise<void> {
  asking?.abort()
  const asked = asking = new AbortController()
  main.setAttribute('aria-busy', 'true')
  try {
    const answer = await fetch(url, { headers: { accept: 'text/html' }, signal: asked.signal })
    if (!(answer.headers.get('content-type') ?? '').startsWith('text/html')) throw new Error((await answer.json() as { detail?: string }).detail ?? `HTTP status ${answer.status}`)
    replaceRegions(new DOMParser().parseFromString(await answer.text(), 'text/html'))
    if (remember) history.pushState(null, '', url)
    byId('page-error').textContent = ''
  } catch (error) {
    if (!asked.signal.aborted) byId('page-error').textContent = `The service did not answer: ${(error as Error).message}`
  } finally {
    if (asking === asked) main.setAttribute('aria-busy', 'false')
  }
}

function replaceRegions (fresh: Document): void {
  for (const region of document.querySelectorAll('[data-region]')) {
    const other = fresh.getElementById(region.id)
    // what has not changed is left alone: it may have the focus, and readers would hear it again
    if (other !== null && other.innerHTML !== region.innerHTML) region.replaceChildren(...other.childNodes)
  }
  document.title = fresh.title
  prepareCharts()
}

/** The address of the page with what a form has in its fields. */
function addressOf (form: HTMLFormElement): URL {
  const url = new URL(location.href)
  url.hash = ''
  for (const [name, value] of new FormData(form)) {
    if (String(value).trim() === '') url.searchParams.delete(name)
    else url.searchParams.set(name, String(value).trim())
  }
  return url
}

document.addEventListener('submit', (event) => {
  const form = event.target as HTMLFormElement
  if (form.dataset['live'] === undefined) return
  event.preventDefault()
  clearTimeout(typing)
  show(addressOf(form), true)
})

document.addEventListener('click', (event) => {
  const link = (event.target as Element).closest<HTMLAnchorElement>('a[data-live]')
  if (link === null || event.ctrlKey || event.metaKey || event.shiftKey) return
  event.preventDefault()
  show(new URL(link.href), true)
})

byId('mix').addEventListener('input', ({ target }) => {
  clearTimeout(typing)
  const { form } = target as HTMLInputElement
  typing = window.setTimeout(() => { if (form !== null) show(addressOf(form), false) }, typingPauseMs)
})

window.addEventListener('popstate', () => {
  const { searchParams } = new URL(location.href)
  for (const name of ['mix', 'flow']) {
    const field = byId(name) as HTMLInputElement
    field.value = searchParams.get(name) ?? field.defaultValue
  }
  show(new URL(location.href), false)
})

// -- manifests

interface ImportAnswer {
  readonly detail?: string
  readonly errors?: ReadonlyArray<{ readonly pointer: string, readonly detail: string }>
  readonly created?: number
  readonly updated?: number
  readonly deleted?: number
  readonly unchanged?: number
  readonly skipped?: ReadonlyArray<{ readonly kind: string, readonly name: string, readonly reason: string }>
}

async function send (manifest: Blob | string): Promise<void> {
  const result = byId('import-result')
  result.className = ''
  result.textContent = 'Importing …'
  try {
    const start = typeof manifest === 'string' ? manifest : await manifest.slice(0, 256).text()
    const type = /^\s*[[{]/.test(start) ? 'application/json' : 'application/yaml'
    const answer = await fetch('/v1/imports', { method: 'POST', headers: { 'content-type': type }, body: manifest })
    const told = await answer.json() as ImportAnswer
    result.textContent = answer.ok ? imported(told) : refused(told)
    if (!answer.ok) result.className = 'error'
    else await show(new URL('/', location.href), true)
  } catch (error) {
    result.className = 'error'
    result.textContent = `The service did not answer: ${(error as Error).message}`
  }
}

const imported = ({ created = 0, updated = 0, deleted = 0, unchanged = 0, skipped = [] }: ImportAnswer): string =>
  [`${created} created, ${updated} updated, ${deleted} deleted, ${unchanged} unchanged.`, ...skipped.map(({ kind, name, reason }) => `Skipped ${kind} ${name}: ${reason}`)].join('\n')

const refused = ({ detail = 'The manifest was refused.', errors = [] }: ImportAnswer): string =>
  [detail, ...errors.filter((place) => !detail.includes(place.detail)).map((place) => `${place.pointer}: ${place.detail}`)].join('\n')

const importForm = byId('import-form') as HTMLFormElement
const dropZone = byId('drop')
importForm.hidden = false
importForm.addEventListener('submit', (event) => {
  event.preventDefault()
  send((byId('manifest') as HTMLTextAreaElement).value)
})
byId('manifest-file').addEventListener('change', ({ target }) => {
  const [file] = (target as HTMLInputElement).files ?? []
  if (file !== undefined) send(file)
})
dropZone.addEventListener('dragover', (event) => {
  event.preventDefault()
  dropZone.classList.add('over')
})
dropZone.addEventListener('dragleave', () => dropZone.classList.remove('over'))
dropZone.addEventListener('drop', (event) => {
  event.preventDefault()
  dropZone.classList.remove('over')
  const [file] = event.dataTransfer?.files ?? []
  if (file !== undefined) send(file)
  else if (event.dataTransfer !== null) send(event.dataTransfer.getData('text'))
})

// -- charts: each mark has a <title> with number and formula; shown below the picture, for pointer, touch and keyboard

const marksOf = (chart: Element): SVGElement[] => [...chart.querySelectorAll<SVGElement>('path:has(> title), rect:has(> title)')]

function prepareCharts (): void {
  for (const chart of document.querySelectorAll('figure svg')) {
    for (const [index, mark] of marksOf(chart).entries()) {
      // one stop for the tab key, arrows from there on
      mark.setAttribute('tabindex', index === 0 ? '0' : '-1')
      mark.setAttribute('role', 'img')
      mark.setAttribute('aria-label', mark.querySelector('title')?.textContent ?? '')
    }
  }
}

function readOut ({ target }: Event): void {
  const told = (target as Element).closest('figure svg :has(> title)')?.querySelector('title')?.textContent
  const readout = (target as Element).closest('figure')?.querySelector('.readout')
  if (told != null && readout != null && (target as Element).closest('path, rect') !== null) readout.textContent = told
}

for (const kind of ['pointerover', 'pointerdown', 'focusin']) document.addEventListener(kind, readOut)

document.addEventListener('keydown', (event) => {
  const chart = (event.target as Element).closest('figure svg')
  const step = event.key === 'ArrowRight' || event.key === 'ArrowDown' ? 1 : event.key === 'ArrowLeft' || event.key === 'ArrowUp' ? -1 : 0
  if (chart === null || step === 0) return
  const marks = marksOf(chart)
  event.preventDefault()
  marks[(marks.indexOf(event.target as SVGElement) + step + marks.length) % marks.length]?.focus()
})

prepareCharts()
export {}
