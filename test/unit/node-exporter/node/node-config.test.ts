/** The node role's configuration: defaults that work, and every fault at once. */
import { describe, expect, it } from 'vitest'
import { readNodeConfig } from '../../../../node-exporter/node/node-config.ts'

describe('a configuration', () => {
  it('needs nothing at all', () => {
    expect(readNodeConfig({ NODE_NAME: '  ' })).toEqual({
      ok: true,
      config: {
        nodeName: undefined,
        listenPort: 25_001,
        agentPort: undefined,
        hostRoot: '',
        checks: ['node_ready'],
        logLevel: 'info',
        checkSettings: {},
      },
    })
  })

  it('takes all that there is', () => {
    const env = {
      NODE_NAME: 'node-a',
      LISTEN_PORT: '0',
      AGENT_PORT: '9777',
      HOST_ROOT: '/host/',
      NODE_CHECKS: 'node_ready, kubelet',
      LOG_LEVEL: 'debug',
    }

    expect(readNodeConfig(env)).toEqual({
      ok: true,
      config: {
        nodeName: 'node-a',
        listenPort: 0,
        agentPort: 9777,
        hostRoot: '/host',
        checks: ['node_ready', 'kubelet'],
        logLevel: 'debug',
        checkSettings: {},
      },
    })
  })

  it('names every fault at once', () => {
    const env = {
      NODE_NAME: 'Node_A',
      LISTEN_PORT: '70000',
      AGENT_PORT: 'x',
      HOST_ROOT: 'host',
      NODE_CHECKS: 'node_ready, kubelt',
      LOG_LEVEL: 'loud',
      CUSTOM_CONDITIONS: 'KernelDeadlock',
      DNS_NAME: 'a..b',
    }

    const read = readNodeConfig(env)

    const names = read.ok ? [] : read.faults.map((fault) => fault.split(' ')[0])
    expect(new Set(names)).toEqual(new Set(Object.keys(env)))
  })
})
