import { expect, test } from 'vitest'
import { nameCloudIn, nameClouds, nameServices } from './name-clouds.ts'

test('names can be on any cloud, and whoever asks for another is told which there are', () => {
  expect(nameClouds.map((cloud) => nameCloudIn(cloud))).toEqual(['aws', 'azure', 'gcp'])
  expect(new Set(nameClouds.map((cloud) => nameServices[cloud].controls)).size).toBe(3)
  expect(() => nameCloudIn('route53')).toThrow('aws, azure, gcp')
})
