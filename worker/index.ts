export { Cluster } from './cluster/cluster.ts'
export { Fleet } from './cluster/fleet.ts'
export { front as default } from './front.ts'
