/**
 * Where clouds answer whoever asks from inside with the machine's own credentials, beside the link-local ranges. `addresses`: AWS
 * over IPv6 (two), Alibaba, Azure's host agent, Oracle over IPv6. `names`: what resolves to such an address inside a cloud.
 */
export const metadataServices: { readonly addresses: readonly string[]; readonly names: readonly string[] } = {
  addresses: ['fd00:ec2::254', 'fd00:ec2::253', '100.100.100.200', '168.63.129.16', 'fd00:c1::a9fe:a9fe'],
  names: ['metadata', 'metadata.google.internal', 'metadata.goog', 'instance-data', 'instance-data.ec2.internal'],
}
