/**
 * `npm start`: a cluster, the Worker and the exporter in both roles on loopback. Prints what to open and what to type,
 * breaks and mends pods and nodes at a prompt, narrates each turn of `__gtg`. With KUBECONFIG set it watches that cluster
 * instead.
 */
import { randomBytes, createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { createInterface } from 'node:readline'
import type { Behaviour } from './pods.ts'
import { startNarrator } from './narrator.ts'
import { SANDBOX_CHECKS, startNodeRoles } from './node-roles.ts'
import { startProcess } from './process.ts'
import { onStopSignal } from './signals.ts'
import { CATEGORIES, populate } from './town.ts'
import { startWorker } from './worker.ts'
import { NODES, startWorld } from './world.ts'

const HELP = `  break POD|SERVICE [how]   how: fails (default), critical, 500, garbage, slow, hangs, refuses
  mend POD|SERVICE          all is well again
  scale SERVICE N           change a Deployment's replicas
  cordon NODE, uncordon NODE, notready NODE, ready NODE
  list                      services, their pods, and how they are
  gtg [CATEGORY]            what a prober gets
  help, quit`

const HOW: Record<string, Behaviour> = {
  fails: { kind: 'failing' },
  critical: { kind: 'failing', severity: 1 },
  '500': { kind: 'status', status: 500 },
  garbage: { kind: 'body', body: '<html>' },
  slow: { kind: 'slow', ms: 1500 },
  hangs: { kind: 'hang' },
  refuses: { kind: 'refuse' },
}

const folder = mkdtempSync(`${tmpdir()}/pilotlight-`)
const secret = `whsec_${randomBytes(32).toString('base64')}`
const token = randomBytes(16).toString('hex')
const outside = process.env['KUBECONFIG']

function tell(line: string): void {
  console.log(`${new Date().toISOString().slice(11, 23)}  ${line}`)
}

const worker = await startOn(Number(process.env['PORT'] ?? 8787))
const world = outside ? null : await startWorld()
if (world !== null) await populate(world)
const kubeconfig = outside ?? `${folder}/kubeconfig`
if (world !== null) writeFileSync(kubeconfig, world.api.kubeconfig(), { mode: 0o600 })
const nodeRoles = world && (await startNodeRoles(world, { kubeconfig, tell }))
const nodeUrl = nodeRoles?.urls.get(NODES[0] ?? '')
const [webPod] = world?.podsOf('web') ?? []

const exporter = startProcess('node-exporter/main.ts', {
  // Plugins that fetch credentials for that cluster read their own variables.
  ...(outside ? definedOf(process.env) : {}),
  CLUSTER_ID: 'demo',
  WORKER_URL: worker.url,
  PUSH_SECRET: secret,
  KUBECONFIG: kubeconfig,
  INTERVAL_SECONDS: process.env['INTERVAL_SECONDS'] ?? '3',
  ...(outside
    ? {
        PROBE_VIA: process.env['PROBE_VIA'] ?? 'apiserver',
        PROBE_ALLOW_CIDRS: process.env['PROBE_ALLOW_CIDRS'] ?? '',
      }
    : { NODE_CHECKS: SANDBOX_CHECKS }),
})

console.log(`
Pilotlight is lit, watching ${outside ? `the cluster of ${outside}` : 'a small cluster on loopback'}. Is it good to go?

  open     ${worker.url}/__health      sign in with the token ${token}
  curl -i ${worker.url}/__gtg
  curl -i '${worker.url}/__gtg?categories=${outside ? 'default' : 'frontend,storage'}'
  curl -i -H 'Accept: application/json' ${worker.url}/__gtg
  curl -s -H 'Accept: application/json' ${worker.url}/__health
  curl -is -H 'Accept: application/json' '${worker.url}/__health?cache=false'      every pod is asked again first${webPod === undefined ? '' : `\n  curl -s -H 'Accept: application/json' -H 'Authorization: Bearer ${token}' '${worker.url}/__pod-individual-health?service-name=web&pod-name=${webPod}'      what it says now`}
  curl -s -H 'Authorization: Bearer ${token}' -d 'ack-msg=known' '${worker.url}/add-ack?service-name=web'
  curl -s ${worker.url}/metrics
  curl -s -H 'Accept: application/json' ${worker.url}/clusters/demo/nodes${nodeUrl === undefined ? '' : `\n  curl -i '${nodeUrl}?check=${SANDBOX_CHECKS}'`}
  kubectl --kubeconfig ${kubeconfig} get services,pods,nodes
${world === null ? '' : `\n${HELP}\n\nTry: break web, then watch; mend web; notready node-a. Or break search, and refresh the page without the cache at once.\n`}`)

const categories = outside ? ['default'] : CATEGORIES
const narrator = startNarrator(`${worker.url}/__gtg?categories=${categories.join(',')}`, tell)
exporter.onLine((line) => {
  narrator.hear(line)
})
void exporter.ended.then((code) => {
  if (!isStopping) tell(`the exporter has ended (${code}); Ctrl-C ends the rest`)
})

const prompt = createInterface({ input: process.stdin })
prompt.on('line', (line) => {
  obey(line.trim().split(/\s+/)).catch((error: unknown) => {
    tell(error instanceof Error ? error.message : String(error))
  })
})

async function obey([verb = '', name = '', how = '']: string[]): Promise<void> {
  switch (verb) {
    case '':
      return
    case 'help':
      console.log(HELP)
      return
    case 'quit':
      return stop()
    case 'gtg': {
      const response = await fetch(`${worker.url}/__gtg/${name}`)
      console.log(`${response.status} ${await response.text()}`)
      return
    }
  }
  if (world === null)
    throw new Error('that cluster is not ours to break; known here: gtg, help, quit')
  switch (verb) {
    case 'list':
      for (const service of world.services()) {
        const pods = world.podsOf(service).map((pod) => `${pod} ${world.pods.behaviour(pod).kind}`)
        console.log(`  ${service.padEnd(24)} ${pods.join(', ')}`)
      }
      return
    case 'break':
      return change(name, HOW[how || 'fails'])
    case 'mend':
      return change(name, { kind: 'ok' })
    case 'scale':
      narrator.mark()
      return world.scale(name, Number(how))
    case 'cordon':
    case 'uncordon':
    case 'ready':
    case 'notready':
      return changeNode(verb, name)
    default:
      throw new Error(`unknown: ${verb}; help lists what there is`)
  }
}

/** Of a service, its first pod: one is enough to turn it. */
async function change(name: string, behaviour: Behaviour | undefined): Promise<void> {
  if (behaviour === undefined) throw new Error(`how: ${Object.keys(HOW).join(', ')}`)
  if (world === null) return
  const pods = world.podsOf(name)
  const chosen = behaviour.kind === 'ok' ? pods : pods.slice(0, 1)
  const targets = pods.length === 0 ? [name] : chosen
  await Promise.all(targets.map((pod) => world.pods.set(pod, behaviour)))
  narrator.mark()
  tell(`you: ${targets.join(', ')}: ${behaviour.kind}`)
}

function changeNode(verb: 'cordon' | 'uncordon' | 'ready' | 'notready', name: string): void {
  if (!NODES.includes(name)) throw new Error(`nodes: ${NODES.join(', ')}`)
  if (verb === 'ready' || verb === 'notready') world?.setReady(name, verb === 'ready')
  else world?.setCordoned(name, verb === 'cordon')
  narrator.mark()
  tell(`you: ${verb} ${name}`)
}

let isStopping = false

async function stop(): Promise<void> {
  if (isStopping) return
  isStopping = true
  prompt.close()
  narrator.stop()
  await exporter.stop()
  await nodeRoles?.stop()
  await worker.stop()
  await world?.stop()
  rmSync(folder, { recursive: true, force: true })
  console.log('all stopped')
  process.exit(process.exitCode ?? 0)
}

onStopSignal(stop)

function definedOf(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}

/** On the usual port, else on any free one: a newcomer's first command must not fail over a port. */
async function startOn(port: number) {
  const options = {
    stateDir: `${folder}/state`,
    vars: {
      PUSH_SECRETS: JSON.stringify({ demo: secret }),
      TOKENS: JSON.stringify([{ name: 'you', sha256: sha256(token), roles: ['operate'] }]),
      SESSION_SECRET: randomBytes(32).toString('hex'),
    },
  }
  return startWorker({ ...options, port }).catch((error: unknown) => {
    tell(
      `port ${port} can't be had (${error instanceof Error ? error.message : 'unknown'}): taking another`,
    )
    return startWorker({ ...options, port: 0 })
  })
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
