/** What an operator may set of the checks, from the environment to the check that then behaves otherwise. */
import { describe, expect, it } from 'vitest'
import { readNodeConfig } from '../../../../node-exporter/node/node-config.ts'

function read(env: Record<string, string>) {
  const result = readNodeConfig(env)
  return result.ok ? result.config.checkSettings : result.faults
}

describe('a setting of the checks', () => {
  it.each([
    [
      'WRITABLE_PATHS',
      '/var, /var/lib/kubelet/,/var',
      { writablePaths: ['/var', '/var/lib/kubelet'] },
    ],
    ['WRITABLE_PATHS', '/', { writablePaths: ['/'] }],
    ['NODEFS_PATHS', '/mnt/my disk', { nodefsPaths: ['/mnt/my disk'] }],
    ['IMAGEFS_PATHS', '/var/lib/rancher/k3s', { imagefsPaths: ['/var/lib/rancher/k3s'] }],
    ['NODEFS_FREE_PERCENT', '5.5', { leastNodefs: 5.5 }],
    ['IMAGEFS_FREE_PERCENT', '0', { leastImagefs: 0 }],
    ['INODES_FREE_PERCENT', '99', { leastInodes: 99 }],
    [
      'CUSTOM_CONDITIONS',
      'KernelDeadlock=True, Calico=False',
      {
        conditions: [
          { type: 'KernelDeadlock', badStatus: 'True', hasHeartbeat: true },
          { type: 'Calico', badStatus: 'False', hasHeartbeat: false },
        ],
      },
    ],
    ['CRI_SOCKET', 'unix:///run/k3s/c.sock', { criSocket: 'unix:///run/k3s/c.sock' }],
    ['CRI_SOCKET', '/run/k3s/c.sock', { criSocket: '/run/k3s/c.sock' }],
    [
      'DNS_NAME',
      'kubernetes.default.svc.cluster.local',
      { dnsName: 'kubernetes.default.svc.cluster.local.' },
    ],
    ['DNS_NAME', 'example.com.', { dnsName: 'example.com.' }],
    ['KUBELET_HEALTHZ_ADDRESS', '192.0.2.10', { kubeletAddress: '192.0.2.10' }],
    ['KUBELET_HEALTHZ_ADDRESS', ' fd00::1\n', { kubeletAddress: 'fd00::1' }],
    ['KUBELET_HEALTHZ_PORT', '10249', { kubeletPort: 10_249 }],
  ])('is taken: %s=%s', (name, value, settings) => {
    expect(read({ [name]: value })).toEqual(settings)
  })

  it.each([
    ['WRITABLE_PATHS', 'var'],
    ['WRITABLE_PATHS', ' , '],
    ['NODEFS_PATHS', '/var,log'],
    ['IMAGEFS_PATHS', './images'],
    ['NODEFS_FREE_PERCENT', '10%'],
    ['NODEFS_FREE_PERCENT', '100'],
    ['IMAGEFS_FREE_PERCENT', '-1'],
    ['INODES_FREE_PERCENT', 'few'],
    ['CUSTOM_CONDITIONS', 'KernelDeadlock'],
    ['CUSTOM_CONDITIONS', 'KernelDeadlock=true'],
    ['CUSTOM_CONDITIONS', 'KernelDeadlock=True:often'],
    ['CRI_SOCKET', 'tcp://127.0.0.1:1234'],
    ['CRI_SOCKET', 'unix://'],
    ['DNS_NAME', 'a b'],
    ['DNS_NAME', '.'],
    ['DNS_NAME', 'a..b'],
    ['DNS_NAME', `${'x'.repeat(64)}.com`],
    ['KUBELET_HEALTHZ_ADDRESS', 'node-a'],
    ['KUBELET_HEALTHZ_ADDRESS', '[fd00::1]'],
    ['KUBELET_HEALTHZ_ADDRESS', '192.0.2.10:10248'],
    ['KUBELET_HEALTHZ_ADDRESS', '192.0.2.0/24'],
    ['KUBELET_HEALTHZ_PORT', '0'],
    ['KUBELET_HEALTHZ_PORT', '65536'],
    ['NODE_CHECKS', 'node_ready,kubelt'],
  ])('is a fault that names it: %s=%s', (name, value) => {
    const faults = read({ [name]: value })

    expect(faults).toEqual([expect.stringMatching(new RegExp(`^${name} .*must `))])
  })

  it('names each wrong condition', () => {
    expect(read({ CUSTOM_CONDITIONS: 'A,B=x' })).toHaveLength(2)
  })
})
