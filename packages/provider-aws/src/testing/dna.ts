import type { CloneSpec, ResourceDna } from '@understudy/provider'
import { refTo } from './adapter-under-test.ts'

/** A definition of an ordinary instance, with what the test changes. */
export const someDna = (more: Partial<ResourceDna> = {}): ResourceDna => ({
  dnaVersion: 1,
  ref: { ...refTo('i-0source'), zone: 'eu-west-1a' },
  nativeName: 'shop',
  state: 'running',
  nativeState: 'running',
  image: 'ami-1',
  os: { family: 'linux', arch: 'x86_64' },
  size: { type: 'm7i.large', vcpus: 2, memoryMiB: 8192 },
  purchase: 'on-demand',
  disks: [
    {
      ref: refTo('vol-1'),
      role: 'root',
      deviceKey: '/dev/xvda',
      sizeGiB: 40,
      type: 'gp3',
      iops: 3000,
      throughputMiBps: 125,
      encrypted: true,
      kmsKey: 'arn:aws:kms:key',
      deleteWithInstance: true,
      sourceSnapshot: 'snap-ami',
    },
    { ref: refTo('vol-2'), role: 'data', deviceKey: '/dev/sdf', sizeGiB: 100, type: 'gp2', iops: 300, encrypted: false, deleteWithInstance: false },
  ],
  nics: [
    {
      nativeId: 'eni-1',
      primary: true,
      subnet: 'subnet-a',
      securityGroups: ['sg-1', 'sg-2'],
      privateIps: ['10.0.0.5'],
      publicIp: { ip: '198.51.100.7', ephemeral: true },
      sourceDestCheck: true,
    },
  ],
  identity: 'arn:aws:iam::123456789012:instance-profile/shop',
  userData: 'IyEvYmluL3No',
  keyName: 'ops',
  tags: { Name: 'shop', team: 'x', 'aws:autoscaling:groupName': 'g', 'understudy:role': 'primary' },
  placement: { zone: 'eu-west-1a', group: 'spread-1', hostId: 'h-1' },
  metadataService: { tokensRequired: true, hopLimit: 2, enabled: true },
  protection: { terminate: true, stop: false },
  holdEnabled: false,
  native: { cpuCredits: 'standard', ebsOptimized: true, monitoring: true, shutdownBehavior: 'stop' },
  fingerprint: 'f',
  unknowable: [],
  ...more,
})

export const someSpec = (more: Partial<CloneSpec> = {}): CloneSpec => ({
  name: 'stand-in',
  power: 'running',
  instanceType: 'm7i.large',
  purchase: 'on-demand',
  zone: 'eu-west-1b',
  disks: { from: 'image' },
  ...more,
})
