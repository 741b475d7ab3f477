/** A believable small cluster for `npm start`: a dozen services, daemons, a stateful one, four categories, one of which holds the nodes. */
import type { World } from './world.ts'

const FRONT = ['web', 'api-gateway', 'search', 'login']
const BACK = ['orders', 'payments', 'stock', 'mailer', 'reports']

export const CATEGORIES = ['default', 'frontend', 'backend', 'storage', 'infrastructure']

export async function populate(world: World): Promise<void> {
  for (const name of FRONT) await world.addService({ name, replicas: 2 })
  for (const name of BACK) await world.addService({ name, replicas: name === 'orders' ? 3 : 1 })
  await world.addService({
    name: 'ledger',
    replicas: 3,
    workload: 'StatefulSet',
    labels: { isResilient: 'false' },
  })
  await world.addService({ name: 'cache', replicas: 2 })
  for (const name of ['log-shipper', 'dns-cache']) {
    await world.addService({
      name,
      replicas: 3,
      workload: 'DaemonSet',
      labels: { isDaemon: 'true' },
    })
  }
  await world.addService({ name: 'billing', namespace: 'finance', replicas: 2 })
  world.addCategory({ name: 'frontend', services: FRONT })
  world.addCategory({ name: 'backend', services: [...BACK, 'billing.finance'] })
  world.addCategory({ name: 'storage', services: ['ledger', 'cache'] })
  world.addCategory({ name: 'infrastructure', services: ['dns-cache', 'nodes'] })
}
