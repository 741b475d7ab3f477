export { Cluster } from './cluster/cluster.ts'
export { app as default } from './app.ts'
