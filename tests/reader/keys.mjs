// From a private key to the plaintext of a part.
import {
  constants, createDecipheriv, createHmac, createPrivateKey, createPublicKey, privateDecrypt, webcrypto,
} from 'node:crypto';
import * as HPKE from 'hpke';
import { fitsKind, isTenantKey, sha256, tenantKeyState, types, u16, u32, u64 } from './format.mjs';
import { hybridPublicKey, hybridSeed, hybridSuite } from './hybrid.mjs';

globalThis.crypto ??= webcrypto;  // for hpke; Node 18 keeps it to itself

export const suites = { hpkeP256: 1, rsaOaep: 2, hybrid: 3 };
export const hpke = new HPKE.CipherSuite(HPKE.KEM_DHKEM_P256_HKDF_SHA256, HPKE.KDF_HKDF_SHA256, HPKE.AEAD_AES_256_GCM);
const tagSize = 16;
const segmentKeySize = 32;

const hmac = (key, ...pieces) => pieces.reduce((mac, piece) => mac.update(piece), createHmac('sha256', key)).digest();

// HKDF-Expand (RFC 5869, section 2.3), which Node offers only together with HKDF-Extract.
export function expand(key, info, size) {
  let block = Buffer.alloc(0);
  let output = Buffer.alloc(0);
  for (let counter = 1; output.length < size; ++counter) {
    block = hmac(key, block, info, Buffer.of(counter));
    output = Buffer.concat([output, block]);
  }
  return output.subarray(0, size);
}

// One key number's keys, from step to step. They never go back, here as in the writer.
class Ratchet {
  constructor(root) {
    this.step = 0;
    this.#turn(root);
  }
  at(step) {
    while (this.step < step) {
      this.#turn(this.next);
      ++this.step;
    }
    return this.step === step ? this.key : undefined;
  }
  #turn(key) {
    const both = expand(key, 'sallyport log 1 step', 64);
    this.next = both.subarray(0, 32);
    this.key = both.subarray(32);
  }
}

function tenantOf(record) {
  try {
    return JSON.parse(record).tenant;
  } catch {
    return undefined;  // no JSON
  }
}

// A signed note's part has no key, and no tag.
const hasRoomForTag = ({ key, sealed }) => key === 0xffff || sealed.length >= tagSize;

// Keys of a segment, by number: `add(number, root)`.
class PartKeys {
  constructor({ id, tenants }) {
    this.id = id;
    this.tenants = tenants;
    this.roots = new Map();
    this.ratchets = new Map();
  }
  add(number, root) {
    this.roots.set(number, root);
    this.ratchets.set(number, new Ratchet(root));
  }
  // The same keys, as they were before any frame.
  anew() {
    const keys = new PartKeys(this);
    for (const [number, root] of this.roots) keys.add(number, root);
    return keys;
  }
  has(number) { return this.ratchets.has(number); }

  // {parts, genuine}: the parts under these keys, each with its `text`, undefined where it does not open; and whether
  // all of them open and the frame has what belongs in it, so that nothing was made to look like what others open.
  // Frames must come in order.
  open(frame) {
    const parts = frame.parts
      .filter(({ key }) => this.has(key))
      .map((part) => ({ ...part, text: this.#openPart(frame, part) }));
    const opened = parts.every(({ text }) => text !== undefined);
    const fits = fitsKind(frame, this.tenants) && frame.parts.every(hasRoomForTag);
    return { parts, genuine: opened && fits && parts.every((part) => this.#isNamed(part, frame)) };
  }

  // A record that is sealed for a tenant as well names the tenant.
  #isNamed({ type, text }, { parts }) {
    const tenants = parts.find(({ key }) => isTenantKey(key));
    if (type !== types.record || tenants === undefined) return true;
    return tenantOf(text) === this.tenants.find(({ number }) => number === tenants.key)?.name;
  }

  #openPart(frame, part) {
    if (part.flags !== 0) return undefined;
    const key = BigInt(part.step) <= frame.sequence ? this.ratchets.get(part.key).at(part.step) : undefined;
    if (key === undefined || part.sealed.length < tagSize) return undefined;
    const nonce = Buffer.concat([u32(part.index), u64(frame.sequence)]);
    const cipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagSize });
    cipher.setAAD(Buffer.concat([this.id, frame.chainBefore, frame.head, u16(part.index), part.head]));
    cipher.setAuthTag(part.sealed.subarray(-tagSize));
    const text = cipher.update(part.sealed.subarray(0, -tagSize));
    try {
      return Buffer.concat([text, cipher.final()]);
    } catch {
      return undefined;  // Node names a wrong tag in no other way
    }
  }
}

// What a segment key opens. `header` as format.mjs parses it.
export class SegmentKeys extends PartKeys {
  constructor(header, segmentKey) {
    super(header);
    const { derive, expandWith } = derivationOf(header, segmentKey);
    this.fits = expandWith('commitment', sha256(header.committed)).equals(header.commitment);
    const keyBlockKey = derive('key block');
    this.macOf = (keyBlock) => hmac(keyBlockKey, keyBlock);
    this.add(0, derive('metadata'));
    this.add(1, derive('content'));
  }
}

// The root of a tenant's content, unless this is not the key that the header commits to.
function tenantRoot(header, { number, name, commitment }, key) {
  const { derive, expandWith } = derivationOf(header, key);
  const committed = Buffer.concat([header.id, u16(number), Buffer.from(name)]);
  return expandWith('tenant commitment', committed).equals(commitment) ? derive('content') : undefined;
}

function derivationOf({ salt }, key) {
  const extracted = hmac(salt, key);
  const expandWith = (label, rest) => expand(extracted, Buffer.concat([Buffer.from(`sallyport log 1 ${label}`), rest]), 32);
  return { expandWith, derive: (label) => expandWith(label, Buffer.alloc(0)) };
}

export const idOf = (publicBytes) => sha256(publicBytes).toString('hex').slice(0, 16);

// Of a public key: P-256's uncompressed point, RSA's SubjectPublicKeyInfo.
export function recipientId(publicKey) {
  const isRsa = publicKey.asymmetricKeyType === 'rsa';
  const bytes = isRsa ? publicKey.export({ type: 'spki', format: 'der' }) : pointOf(publicKey);
  return idOf(bytes);
}

export function pointOf(publicKey) {
  const { x, y } = publicKey.export({ format: 'jwk' });
  return Buffer.concat([Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
}

export const wrappingContext = (id, keyNumber) =>
  Buffer.concat([Buffer.from('sallyport log 1 wrapped key'), id, u16(keyNumber)]);

// A recipient's private half, from PEM.
export class KeyHolder {
  static async of(pem, passphrase) {
    const holder = new KeyHolder();
    const seed = hybridSeed(pem);
    if (seed) return holder.#beHybrid(seed);
    holder.key = createPrivateKey({ key: pem, passphrase });
    const suite = { ec: suites.hpkeP256, rsa: suites.rsaOaep }[holder.key.asymmetricKeyType];
    if (suite === undefined) throw new Error('neither a P-256 key nor an RSA key');
    const publicKey = createPublicKey(holder.key);
    holder.suite = suite;
    holder.recipient = recipientId(publicKey);
    if (suite === suites.hpkeP256) {
      const scalar = Buffer.from(holder.key.export({ format: 'jwk' }).d, 'base64url');
      holder.hpke = hpke;
      holder.hpkeKey = await hpke.DeserializePrivateKey(scalar, true);  // Decap derives the public half from it
    }
    return holder;
  }

  async #beHybrid(seed) {
    this.suite = suites.hybrid;
    this.recipient = idOf(await hybridPublicKey(seed));
    this.hpke = await hybridSuite();
    this.hpkeKey = await this.hpke.DeserializePrivateKey(seed, true);
    return this;
  }

  isRecipientOf(entry) {
    return entry.suite === this.suite && entry.recipient === this.recipient;
  }

  // The wrapped key, or undefined when it does not open: it was altered, or is not for this holder.
  async unwrap(id, entry) {
    return this.hpkeKey ? this.#openHpke(id, entry) : this.#openRsa(entry);
  }

  async #openHpke(id, { key, wrapped }) {
    const size = this.hpke.KEM.Nenc;
    const [encapsulated, sealed] = [wrapped.subarray(0, size), wrapped.subarray(size)];
    try {
      return await this.hpke.Open(this.hpkeKey, encapsulated, sealed, { info: wrappingContext(id, key) });
    } catch (error) {
      if (error instanceof HPKE.OpenError || error instanceof HPKE.DecapError) return undefined;
      throw error;
    }
  }

  #openRsa({ wrapped }) {
    const padding = constants.RSA_PKCS1_OAEP_PADDING;
    try {
      return privateDecrypt({ key: this.key, padding, oaepHash: 'sha256' }, wrapped);
    } catch (error) {
      if (error.code?.startsWith('ERR_OSSL')) return undefined;
      throw error;
    }
  }
}

// {keys, trouble, opened, closed, unopened}: the keys that the holder can have, if any; what is wrong with the key
// block, if anything; the tenants whose content opens, those whose does not though somebody has their key, and all those
// whose does not.
export async function openSegment(header, block, holder) {
  const segment = await unwrapKey(header, block, holder, 0, (key) => {
    const keys = new SegmentKeys(header, key);
    return keys.fits ? keys : undefined;
  });
  if (!segment.found && segment.trouble !== 'not-a-recipient') return { trouble: segment.trouble, opened: [], closed: [] };
  const keys = segment.found ?? new PartKeys(header);
  const opened = [];
  let inTenants;
  for (const tenant of header.tenants) {
    const { found, trouble } =
      await unwrapKey(header, block, holder, tenant.number, (key) => tenantRoot(header, tenant, key));
    if (found) {
      keys.add(tenant.number, found);
      opened.push(tenant.name);
    } else if (trouble !== 'not-a-recipient') {
      inTenants ??= trouble;
    }
  }
  const closed = header.tenants
    .filter((tenant) => tenantKeyState(block, tenant) === 'wrapped' && !opened.includes(tenant.name))
    .map(({ name }) => name);
  if (segment.found) {
    const genuine = keys.macOf(block.authenticated).equals(block.mac);
    return { keys, trouble: genuine ? inTenants : 'keys-altered', opened, closed };
  }
  const unopened = header.tenants.map(({ name }) => name).filter((name) => !opened.includes(name));
  if (opened.length > 0) return { keys, trouble: inTenants, opened, closed, unopened };
  return { trouble: inTenants ?? 'not-a-recipient', opened, closed, unopened };
}

// The key of that number, as `accept` gives it back: undefined for a key that the header does not commit to. A writer
// wraps a key once to each recipient, so no second entry of the holder's is tried.
async function unwrapKey(header, block, holder, number, accept) {
  const entry = block.entries.find((one) => one.key === number && holder.isRecipientOf(one));
  if (entry === undefined) return { trouble: 'not-a-recipient' };
  const key = await holder.unwrap(header.id, entry);
  if (key?.length !== segmentKeySize) return { trouble: 'keys-altered' };
  const found = accept(Buffer.from(key));
  return found ? { found } : { trouble: 'keys-swapped' };
}

// Marks the openings that miss some of what may be the holder's: not the segment's key where it has had one, or a
// tenant's not that it has had. That the key was erased is the key block's word alone.
export function markMisses(openings) {
  const mine = new Set();
  let opensSegments = false;
  for (const opening of openings.filter(Boolean)) {
    opensSegments ||= opening.keys?.has(0) ?? false;
    if (opening.keys?.has(0)) continue;
    for (const name of opening.opened) mine.add(name);
    opening.missesSome = opensSegments || (opening.unopened ?? []).some((name) => mine.has(name));
  }
}

// A key that opens tenants' content and no segment need not open segments in which nothing is for these tenants: takes
// that trouble from them. `openings` as openSegment() gives them, undefined where it was not asked.
export function settleTenants(openings) {
  const mine = new Set(openings.flatMap((opening) => opening?.opened ?? []));
  if (mine.size === 0 || openings.some((opening) => opening?.keys?.has(0))) return;
  for (const opening of openings) {
    const isMissing = opening?.trouble === 'not-a-recipient' && !opening.closed.some((name) => mine.has(name));
    if (isMissing) opening.trouble = undefined;
  }
}
