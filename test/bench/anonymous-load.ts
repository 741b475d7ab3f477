/** Anonymous visitors in a process of their own: connections that read every public page of URL again and again. */
import http from 'node:http'

const CONNECTIONS = 350
const PATHS = [
  '/',
  '/__health',
  '/__health?cache=false',
  '/__gtg?cache=false',
  '/__pods-health?service-name=service-0',
  '/__pod-individual-health?service-name=service-0&pod-name=x',
  '/clusters/demo/history?service=hanging.tenant-a',
  '/clusters/demo/categories',
  '/clusters/demo/nodes',
  '/metrics',
  '/add-ack-form?service-name=service-0',
  '/nothing-here',
]

const url = process.env['URL'] ?? ''
const agent = new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS })
const statuses: Record<string, number> = {}
/** What no path answers: told with the path and the text. */
const odd: string[] = []

function visit(turn: number): void {
  // Each request is spelled in its own way, so that no cache knows its URL.
  const path = PATHS[turn % PATHS.length] ?? '/'
  const spelled = `${path}${path.includes('?') ? '&' : '?'}visit=${Math.random()}`
  const headers = { accept: turn % 2 === 0 ? 'text/html' : 'application/json' }
  const count = (what: string) => {
    statuses[what] = (statuses[what] ?? 0) + 1
    setImmediate(visit, turn + 1)
  }
  http
    .get(`${url}${spelled}`, { agent, headers }, (response) => {
      const { statusCode = 0 } = response
      if (statusCode === 500) {
        response.setEncoding('utf8').on('data', (text: string) => {
          if (odd.length < 5) odd.push(`${spelled}: ${text.slice(0, 300)}`)
        })
      }
      response.resume().once('close', () => {
        count(String(statusCode))
      })
    })
    .once('error', () => {
      count('error')
    })
}

for (let i = 0; i < CONNECTIONS; i++) visit(i)

process.once('SIGTERM', () => {
  console.log(JSON.stringify({ statuses, odd }))
  process.exit(0)
})
