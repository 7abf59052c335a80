// The page at / in a browser, used as people do: types a mix and reads the new headline, asks for a flow, brings a manifest, reads a chart
// by keyboard; on a phone and a desk, light and dark. Needs Chromium, which `.ci/run` installs; says so where there is none.
// PAGE_SHOTS=folder leaves pictures to look at.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createApi } from '../http/support/api.ts'
import { findChromium, Tab } from './support/chromium.ts'

/** Parts that lie on each other or reach beyond the window; texts of a chart that do either. */
const layoutFaults = `(() => {
  const faults = []
  const visible = (element) => element.getClientRects().length > 0
  const apart = (elements, what) => {
    const boxes = elements.filter(visible).map((element) => [element, element.getBoundingClientRect()])
    for (const [index, [one, a]] of boxes.entries()) {
      for (const [other, b] of boxes.slice(index + 1)) {
        const across = Math.min(a.right, b.right) - Math.max(a.left, b.left)
        const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top)
        if (across > 1 && down > 1) faults.push(what + ': ' + (one.id || one.textContent.slice(0, 30)) + ' on ' + (other.id || other.textContent.slice(0, 30)))
      }
    }
  }
  if (document.documentElement.scrollWidth > innerWidth) faults.push('the page is ' + document.documentElement.scrollWidth + ' wide')
  apart([document.querySelector('header'), ...document.querySelectorAll('main > section'), document.querySelector('footer')], 'parts')
  for (const section of document.querySelectorAll('header, main > section')) apart([...section.children], 'children')
  for (const svg of [...document.querySelectorAll('figure svg')].filter(visible)) {
    apart([...svg.querySelectorAll('text')], 'chart')
    const frame = svg.getBoundingClientRect()
    if (svg.querySelectorAll('text').length < 8) faults.push('a chart has no labels')
    for (const text of svg.querySelectorAll('text')) {
      const { left, right } = text.getBoundingClientRect()
      if (left < frame.left - 1 || right > frame.right + 1) faults.push('cut off: ' + text.textContent)
    }
  }
  return faults
})()`

const executable = findChromium()
if (executable === null) {
  if (process.env['CHROMIUM_REQUIRED'] === '1') t.fail('there is no Chromium')
  else t.plan(0, 'there is no Chromium on this machine: the page is not tried in a browser')
} else await tryPage(executable)

async function tryPage (executable: string): Promise<void> {
  const api = await createApi()
  const origin = await api.app.listen({ host: '127.0.0.1', port: 0 })
  const tab = await Tab.open(executable)
  t.teardown(async () => {
    await tab.close()
    await api.close()
  })
  const textOf = (selector: string): Promise<string> => tab.evaluate(`document.querySelector(${JSON.stringify(selector)}).innerText`)
  const settled = (): Promise<void> => tab.until("document.getElementById('main').getAttribute('aria-busy') === 'false'")

  await t.test('a mix typed is answered while typing', async (t) => {
    await tab.view({ width: 1280, height: 900, dark: false })
    await tab.goTo(origin)
    const before = await textOf('h1')
    t.match(before, /MB on/, 'an answer before anything was asked')
    await tab.type('#mix', '9x40')
    await tab.until(`document.querySelector('h1').innerText !== ${JSON.stringify(before)}`)
    const report = await api.call('POST', '/v1/reports/memory?format=text', { body: { mix: '9x40' } })
    t.equal(await textOf('h1'), report.text.split('\n')[1])
    t.equal(await tab.evaluate("document.activeElement.id + ' ' + document.activeElement.value"), 'mix 9x40', 'the field keeps the focus')

    const answered = await textOf('h1')
    await tab.type('#mix', '9y40')
    await tab.press('Enter')
    await tab.until("document.getElementById('mix-error').innerText !== ''")
    t.match(await textOf('#mix-error'), /"9y40"/)
    await tab.type('#mix', '9x40')
    await tab.press('Enter')
    await tab.until(`document.getElementById('mix-error').innerText === '' && document.querySelector('h1').innerText === ${JSON.stringify(answered)}`)
    t.match(await tab.evaluate('location.search'), /mix=9x40/, 'the address can be handed on')
  })

  await t.test('a flow asked for is answered step by step', async (t) => {
    await tab.type('#flow', '203.0.113.9:40000,172.20.0.10:443/tcp')
    await tab.press('Enter')
    await tab.until("document.querySelector('#flow-answer caption').innerText.includes('203.0.113.9:40000')")
    t.match(await textOf('#flow-answer'), /default\/echo[\s\S]*0x[0-9a-f]{8}[\s\S]* of 16381[\s\S]*XDP_TX/)
    t.equal(await textOf('h1'), (await api.call('POST', '/v1/reports/memory?format=text', { body: { mix: '9x40' } })).text.split('\n')[1], 'the mix stays')
    await tab.evaluate("document.querySelector('#flow-answer a[data-live]').click()")
    await tab.until("document.querySelector('.trace') !== null")
    t.match(await textOf('.trace'), /; .*balancer_xdp\(/)
  })

  await t.test('a manifest makes it the cluster\'s page', async (t) => {
    await tab.evaluate("document.querySelector('#import-form button').click()")
    await tab.until("document.getElementById('import-result').innerText.includes('created')")
    await tab.until("document.getElementById('subject').innerText.includes('revision')")
    t.equal(api.sim.listServices().length, 1)
    t.match(await textOf('#import-result'), /2 created/)
    await tab.evaluate("document.getElementById('manifest').value = 'kind: ['")
    await tab.evaluate("document.querySelector('#import-form button').click()")
    await tab.until("document.getElementById('import-result').className === 'error'")
    t.match(await textOf('#import-result'), /Line 1, column 8/)
    await settled()
  })

  await t.test('a chart is read by keyboard', async (t) => {
    await tab.type('#mix', '7x3,2x10')
    await tab.press('Enter')
    await tab.until("document.getElementById('subject').innerText.includes('7x3,2x10')")
    await tab.evaluate("document.querySelector('figure .wide [tabindex=\"0\"]').focus()")
    const first = await textOf('.readout')
    await tab.press('ArrowRight')
    const second = await textOf('.readout')
    t.match(first, /N = \d+, M = \d+: \d+ bytes = /, 'number and formula')
    t.not(second, first)
    t.match(await tab.evaluate("document.querySelector('figure .wide svg').textContent"), /bytes, log scale/, 'axes have units')
  })

  await t.test('nothing overlaps, nothing is cut off', async (t) => {
    const grounds = new Set<string>()
    for (const width of [390, 1280]) {
      for (const dark of [false, true]) {
        const name = `${width}-${dark ? 'dark' : 'light'}`
        await tab.view({ width, height: 900, dark })
        await tab.goTo(`${origin}/?mix=700x3,200x10,80x40,20x160&flow=203.0.113.7:51022,172.20.0.10:443/tcp`)
        grounds.add(await tab.evaluate('getComputedStyle(document.body).backgroundColor'))
        t.same(await tab.evaluate(layoutFaults), [], name)
        const folder = process.env['PAGE_SHOTS']
        if (folder !== undefined) writeFileSync(join(folder, `page-${name}.png`), await tab.screenshot())
      }
    }
    t.equal(grounds.size, 2, 'light is not dark')
  })

  const refused = /status of 4(00|22)/
  t.same(tab.complaints.filter((text) => !refused.test(text)), [], 'the browser has nothing to complain of but what was typed wrong')
  t.same(tab.requests.filter((url) => !url.startsWith(`${origin}/`) && !url.startsWith('data:')), [], 'nothing is asked of anyone else')
}
