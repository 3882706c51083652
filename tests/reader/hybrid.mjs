// Suite 3: HPKE with the KEM MLKEM768-X25519 (0x647a). Node has neither the KEM nor a name for its keys. The packages
// want Node 20 or newer, so they are loaded only where such a key is used.
import * as HPKE from 'hpke';

// PKCS#8 (RFC 5208) of a 32-byte seed under the object identifier 1.3.6.1.4.1.62253.25722, up to the seed.
const beforeSeed = Buffer.from('303402010030' + '0d060b2b0601040183e62d81c87a' + '0420', 'hex');
const seedSize = 32;

// The seed in a private key's PEM; undefined for any other key.
export function hybridSeed(pem) {
  const [, base64] = /-----BEGIN PRIVATE KEY-----([^-]+)-----END/.exec(pem.toString()) ?? [];
  const der = Buffer.from(base64 ?? '', 'base64');
  const isHybrid = der.length === beforeSeed.length + seedSize && der.indexOf(beforeSeed) === 0;
  return isHybrid ? der.subarray(beforeSeed.length) : undefined;
}

export async function hybridSuite() {
  const { KEM_MLKEM768_X25519: kem } = await import('@panva/hpke-noble');
  return new HPKE.CipherSuite(kem, HPKE.KDF_HKDF_SHA256, HPKE.AEAD_AES_256_GCM);
}

// 1,216 bytes.
export async function hybridPublicKey(seed) {
  const { MLKEM768X25519 } = await import('@noble/post-quantum/hybrid.js');
  return Buffer.from(MLKEM768X25519.keygen(seed).publicKey);
}
