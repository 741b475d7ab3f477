/** Every file of deploy/ against the schema of its kind, strictly: an unknown field is a fault, as a missing one is. */
import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { findSchemaFaults } from '../../support/exporter/kube-schema.ts'
import {
  findPatches,
  isKustomization,
  namedBy,
  readManifests,
  ROOT,
} from '../../support/exporter/manifests.ts'

const MANIFESTS = readManifests()
const PATCHES = findPatches(MANIFESTS)
const FILES = [...new Set(MANIFESTS.map(({ file }) => file))]

describe('a manifest', () => {
  it.each(FILES)('holds what its kind may hold: %s', (file) => {
    const objects = MANIFESTS.filter((each) => each.file === file)

    const faults = objects.flatMap(({ object }) =>
      findSchemaFaults(object, { isPatch: PATCHES.has(file) }),
    )

    expect(objects.length).toBeGreaterThan(0)
    expect(faults).toEqual([])
  })

  it('is named by one kustomization, and each name is there', () => {
    const kustomizations = MANIFESTS.filter(isKustomization)
    const named = kustomizations.flatMap((each) => [
      ...namedBy(each, 'resources'),
      ...namedBy(each, 'patches'),
    ])
    const others = FILES.filter((file) => !file.endsWith('kustomization.yaml'))

    expect(named.filter((name) => name.endsWith('.yaml')).toSorted()).toEqual(others.toSorted())
    expect(named.filter((name) => !existsSync(new URL(`deploy/${name}`, ROOT)))).toEqual([])
  })
})

describe('the schema', () => {
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'd', labels: { a: 'b' } },
    spec: {
      selector: { matchLabels: { a: 'b' } },
      template: { spec: { containers: [{ name: 'c', ports: [{ containerPort: 1 }] }] } },
    },
  }
  const { spec } = deployment

  it('takes a right object', () => {
    expect(findSchemaFaults(deployment)).toEqual([])
  })

  it.each([
    [
      'a field that no kind has',
      { ...deployment, spec: { ...spec, replica: 2 } },
      '.spec.replica: is no field of V1DeploymentSpec',
    ],
    [
      'a text for a number',
      { ...deployment, spec: { ...spec, replicas: '2' } },
      '.spec.replicas: must be a number, not "2"',
    ],
    [
      'a number for a label',
      { ...deployment, metadata: { name: 'd', labels: { a: 1 } } },
      '.metadata.labels.a: must be a string, not 1',
    ],
    ['what is missing', { ...deployment, spec: { selector: {} } }, '.spec.template: is missing'],
    [
      'an object for a list',
      { ...deployment, spec: { ...spec, template: { spec: { containers: {} } } } },
      '.spec.template.spec.containers: must be a list',
    ],
    ['another group', { ...deployment, apiVersion: 'v1' }, 'apiVersion: must be apps/v1'],
    ['an unknown kind', { apiVersion: 'v1', kind: 'Pot' }, 'kind: Pot is not one that deploy/ has'],
  ])('refuses %s', (_, object, fault) => {
    expect(findSchemaFaults(object)).toEqual([fault])
  })

  it('lets a patch leave out what stays, and nothing else', () => {
    const patch = { ...deployment, spec: { template: { spec: { $patch: 'delete', host: true } } } }

    expect(findSchemaFaults(patch, { isPatch: true })).toEqual([
      '.spec.template.spec.host: is no field of V1PodSpec',
    ])
  })
})
