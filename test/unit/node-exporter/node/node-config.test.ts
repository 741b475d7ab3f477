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

  it.each([
    ['LISTEN_PORT', '65535', true],
    ['LISTEN_PORT', '65536', false],
    ['LISTEN_PORT', '0x6000', false],
    ['AGENT_PORT', '1e3', false],
    ['AGENT_PORT', '-1', false],
    ['AGENT_PORT', '9777.5', false],
    ['NODE_NAME', 'ip-10-0-0-1.eu-west-1.compute.internal', true],
    ['NODE_NAME', 'a..b', false],
    ['NODE_NAME', 'a.-b', false],
    ['NODE_NAME', 'a.b.', false],
  ])('takes what Kubernetes and sockets take, no more: %s=%s, %s', (name, value, isTaken) => {
    expect(readNodeConfig({ [name]: value }).ok).toBe(isTaken)
  })
})
