export { Cluster } from './cluster/cluster.ts'
export { Fleet } from './cluster/fleet.ts'
export { app as default } from './app.ts'
