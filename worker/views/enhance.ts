/**
 * The script of the pages, plain and whole: ages that count on, a refresh while the page is looked at, tables that can be
 * sorted and filtered. Everything works without it. A string, for it runs in browsers and is only carried here.
 */

export const ENHANCE = `'use strict'
;(() => {
  const REFRESH_MS = 10_000
  const FAILURES_MAX = 3
  const all = (selector, root = document) => [...root.querySelectorAll(selector)]
  const note = document.getElementById('note')
  const tables = new Map()
  let skewMs = 0
  let etag = null
  let isBusy = false
  let failures = 0
  let failingSince = ''

  // Ages go by the server's clock: this machine's may be wrong.
  const setClock = (serverMs) => { if (serverMs > 0) skewMs = serverMs - Date.now() }
  const sayAge = (ms) => {
    const s = Math.max(0, Math.floor(ms / 1000)), min = Math.floor(s / 60), h = Math.floor(min / 60)
    if (s < 60) return s + ' s'
    if (min < 60) return min + ' min'
    return h < 24 ? h + ' h ' + (min % 60) + ' min' : Math.floor(h / 24) + ' d ' + (h % 24) + ' h'
  }
  const tick = () => {
    for (const time of all('time[data-age]')) {
      const text = sayAge(Date.now() + skewMs - Date.parse(time.dateTime)) + ' ago'
      if (time.textContent !== text) time.textContent = text
    }
  }

  const say = (text, isAlarm = false) => {
    if (note.textContent !== text) note.textContent = text
    note.classList.toggle('alarm', isAlarm)
  }
  const isInUse = (block) => {
    const selection = getSelection()
    const active = document.activeElement
    return (block.contains(active) && active.closest('form')) || block.querySelector('details[open] form') ||
      (!selection.isCollapsed && selection.containsNode(block, true))
  }
  const swap = (block, next) => {
    const active = block.contains(document.activeElement) ? document.activeElement : null
    const place = active && all('a, button, summary', block).indexOf(active)
    const folds = new Map(all('details[id]', block).map((fold) => [fold.id, fold.open]))
    for (const fold of all('details[id]', next)) fold.open = folds.get(fold.id) ?? fold.open
    block.replaceWith(next)
    all('table[data-tools]', next).forEach(dress)
    if (active) all('a, button, summary', next)[place]?.focus({ preventScroll: true })
  }
  const show = (page) => {
    setClock(Number(page.body.dataset.now))
    document.title = page.title
    const waiting = all('[data-live]').filter((block) => {
      const next = page.getElementById(block.id)
      if (!next) return false
      if (isInUse(block)) return true
      swap(block, document.adoptNode(next))
      return false
    })
    say(waiting.length > 0 ? 'Not refreshed while you use it' : '')
    return waiting.length === 0
  }
  // What stood there is not known to stand any more. The words are those for a dead cluster.
  const makePast = () => {
    for (const chip of all('.chip:not(.past, .unknown)')) {
      chip.classList.add('past')
      chip.lastChild.textContent = 'was ' + chip.lastChild.textContent
    }
    for (const verdict of all('.verdict:not(.past)')) {
      verdict.classList.add('past')
      verdict.lastElementChild.append(', when last read')
    }
  }
  const refresh = async () => {
    if (isBusy || document.hidden) return
    isBusy = true
    try {
      const url = new URL(location.href)
      url.searchParams.delete('cache') // a fresh round was asked for once, not every time
      const headers = { Accept: 'text/html' }
      if (etag) headers['If-None-Match'] = etag
      const reply = await fetch(url, { headers, cache: 'no-store', signal: AbortSignal.timeout(REFRESH_MS) })
      if (reply.status === 304) {
        setClock(Date.parse(reply.headers.get('Date')))
        say('')
      } else {
        const page = new DOMParser().parseFromString(await reply.text(), 'text/html')
        if (!reply.ok || reply.redirected || !page.getElementById('line')) throw new Error('no page')
        etag = show(page) ? reply.headers.get('ETag') : null
      }
      failures = 0
      failingSince = ''
    } catch { // the network, a timeout, an error page: all the same to who reads
      failingSince ||= new Date(Date.now() + skewMs).toISOString().slice(11, 16) + ' UTC'
      say('This page can’t be refreshed since ' + failingSince, true)
      etag = null // what is shown gets changed below, so the next answer must be a whole one
      if (++failures === FAILURES_MAX) makePast()
    }
    isBusy = false
    tick()
  }

  const addTools = (table, state) => {
    const tools = document.createElement('div')
    tools.className = 'tools'
    tools.innerHTML = '<label>Filter <input type="search" autocomplete="off"></label>' +
      '<label><input type="checkbox"> Only failing</label><output></output>'
    const [text, only] = all('input', tools)
    tools.oninput = () => {
      state.text = text.value.toLowerCase()
      state.only = only.checked
      arrange(document.getElementById(table.id), state)
    }
    state.count = tools.querySelector('output')
    table.closest('[data-live]').before(tools)
  }
  const valueOf = (row, column) => row.cells[column]?.dataset.sort ?? row.cells[column]?.textContent ?? ''
  const arrange = (table, state) => {
    const rows = state.rows.toSorted((a, b) => state.way *
      valueOf(a, state.column).localeCompare(valueOf(b, state.column), 'en', { numeric: true }))
    if (state.isSorted) table.tBodies[0].append(...rows)
    let shown = 0
    for (const row of rows) {
      row.hidden = (state.only && row.dataset.failing !== 'true') || !row.textContent.toLowerCase().includes(state.text)
      if (!row.hidden) shown++
    }
    state.count.textContent = shown < rows.length ? shown + ' of ' + rows.length + ' shown' : ''
    all('thead th', table).forEach((th, i) => {
      if (i === state.column && state.isSorted) th.ariaSort = state.way > 0 ? 'ascending' : 'descending'
      else th.removeAttribute('aria-sort')
    })
  }
  const dress = (table) => {
    let state = tables.get(table.id)
    if (!state) {
      state = { text: '', only: false, column: 0, way: 1, isSorted: false }
      tables.set(table.id, state)
      addTools(table, state)
    }
    state.rows = [...table.tBodies[0].rows]
    all('thead th', table).forEach((th, i) => {
      const button = document.createElement('button')
      button.type = 'button'
      button.append(...th.childNodes)
      button.onclick = () => {
        state.way = state.isSorted && state.column === i ? -state.way : 1
        Object.assign(state, { column: i, isSorted: true })
        arrange(table, state)
      }
      th.append(button)
    })
    arrange(table, state)
  }

  setClock(Number(document.body.dataset.now))
  all('table[data-tools]').forEach(dress)
  setInterval(tick, 1000)
  if (document.body.dataset.refresh === 'on') {
    setInterval(refresh, REFRESH_MS)
    document.addEventListener('visibilitychange', refresh)
    addEventListener('pageshow', (event) => { if (event.persisted) refresh() })
  }
})()
`
