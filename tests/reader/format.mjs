// What the bytes of a log say, before any key: segment header, key block, frames and their parts.
import { createHash } from 'node:crypto';

export const sha256 = (...pieces) => pieces.reduce((hash, piece) => hash.update(piece), createHash('sha256')).digest();

export const kinds = {
  exchange: 1, begin: 2, data: 3, end: 4, declaredGap: 5, segmentEnd: 6, checkpoint: 7, tombstone: 8,
};
export const types = { record: 1, requestBody: 2, responseBody: 3, note: 4, signedNote: 5 };
export const ends = { none: 0, sealed: 1, torn: 2, unreadable: 3 };

const hashSize = 32;
export const frameHeadSize = 24;
const partHeadSize = 12;
const partsAtMost = 16;
const frameAtLeast = frameHeadSize + hashSize;
const frameAtMost = 1_048_576;
const headerAtMost = 65_536;
const keyBlockAtMost = 4 * 1024 * 1024;
const entriesAtMost = 2_048;
const tenantsExtension = 1;
export const signerExtension = 2;
const erasedSuite = 0;
const [firstTenantKey, lastTenantKey] = [2, 65_534];

export const isTenantKey = (number) => number >= firstTenantKey && number <= lastTenantKey;

// Whether the block has the tenant's key: 'wrapped', 'erased' or 'missing'.
export function tenantKeyState({ entries }, { number }) {
  const suites = entries.filter(({ key }) => key === number).map(({ suite }) => suite);
  if (suites.length === 0) return 'missing';
  return suites.every((suite) => suite === erasedSuite) ? 'erased' : 'wrapped';
}

// Takes fields off a buffer, front to back; throws a RangeError behind its end.
class Fields {
  constructor(bytes, at = 0) {
    this.rest = bytes;
    this.at = at;
  }
  bytes(size) {
    if (this.at + size > this.rest.length) throw new RangeError('cut');
    return this.rest.subarray(this.at, (this.at += size));
  }
  text(size) { return this.bytes(size).toString('utf8'); }
  u8() { return this.bytes(1).readUInt8(); }
  u16() { return this.bytes(2).readUInt16BE(); }
  u32() { return this.bytes(4).readUInt32BE(); }
  u64() { return this.bytes(8).readBigUInt64BE(); }
}

// A header or key block, or undefined when it is cut, malformed or of a version that this reader does not know.
const unlessCut = (parse) => (bytes) => {
  try {
    return parse(bytes);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
};

// Vouched for by its chain hash alone: whether a key made it is for the commitment to say.
export const parseHeader = unlessCut((bytes) => {
  const fields = new Fields(bytes);
  if (fields.text(8) !== 'SALLYLOG' || fields.u16() !== 1 || fields.u16() !== 1) return undefined;
  const size = fields.u32();
  const header = {
    size,
    id: fields.bytes(16),
    number: fields.u64(),
    created: fields.u64(),
    salt: fields.bytes(32),
    previous: {
      id: fields.bytes(16), chain: fields.bytes(hashSize), frames: fields.u64(), size: fields.u64(), end: fields.u8(),
    },
  };
  const originSize = fields.u8();
  const extensionsEnd = fields.u32() + fields.at + originSize;
  if (originSize === 0 || size > headerAtMost || size !== extensionsEnd + 2 * hashSize) return undefined;
  header.origin = fields.text(originSize);
  header.extensions = new Map();
  while (fields.at < extensionsEnd) header.extensions.set(fields.u16(), fields.bytes(fields.u16()));
  if (fields.at !== extensionsEnd) return undefined;
  header.tenants = parseTenants(header.extensions.get(tenantsExtension) ?? Buffer.alloc(0));
  if (header.tenants === undefined) return undefined;
  header.committed = bytes.subarray(0, extensionsEnd);
  header.commitment = fields.bytes(hashSize);
  header.chain = fields.bytes(hashSize);
  return header.chain.equals(sha256(bytes.subarray(0, size - hashSize))) ? header : undefined;
});

// The tenants' content keys: [{number, name, commitment}].
const parseTenants = unlessCut((bytes) => {
  const fields = new Fields(bytes);
  const tenants = [];
  while (fields.at < bytes.length) {
    const tenant = { number: fields.u16(), name: fields.text(fields.u8()), commitment: fields.bytes(hashSize) };
    const twice = tenants.some(({ number, name }) => number === tenant.number || name === tenant.name);
    if (twice || !isTenantKey(tenant.number) || tenant.name === '') return undefined;
    tenants.push(tenant);
  }
  return tenants;
});

export const parseKeyBlock = unlessCut((bytes) => {
  const fields = new Fields(bytes);
  if (bytes.length > keyBlockAtMost || fields.text(8) !== 'SALLYKEY' || fields.u16() !== 1) return undefined;
  const count = fields.u16();
  if (fields.u32() !== bytes.length || count > entriesAtMost) return undefined;
  const block = { id: fields.bytes(16), generation: fields.u32(), entries: [] };
  for (let entry = 0; entry < count; ++entry) {
    block.entries.push({
      key: fields.u16(), suite: fields.u8(), recipient: fields.text(fields.u8()), wrapped: fields.bytes(fields.u16()),
    });
  }
  block.authenticated = bytes.subarray(0, fields.at);
  block.mac = fields.bytes(hashSize);
  return fields.at === bytes.length ? block : undefined;
});

// A key block with entries as parseKeyBlock() gives them; `macOf` as SegmentKeys has it.
export function makeKeyBlock(id, generation, entries, macOf) {
  const head = Buffer.alloc(36);
  head.write('SALLYKEY');
  head.writeUInt16BE(1, 8);
  head.writeUInt16BE(entries.length, 10);
  id.copy(head, 16);
  head.writeUInt32BE(generation, 32);
  const wrapped = entries.map((entry) => Buffer.concat([
    u16(entry.key), Buffer.of(entry.suite), Buffer.of(entry.recipient.length), Buffer.from(entry.recipient),
    u16(entry.wrapped.length), entry.wrapped,
  ]));
  const authenticated = Buffer.concat([head, ...wrapped]);
  authenticated.writeUInt32BE(authenticated.length + hashSize, 12);
  return Buffer.concat([authenticated, macOf(authenticated)]);
}

// What every frame begins with. Neither its chain hash nor its parts have been looked at.
export function parseFrameHead(bytes, offset) {
  const fields = new Fields(bytes, offset);
  return {
    offset,
    length: fields.u32(),
    kind: fields.u8(),
    flags: fields.u8(),
    partCount: fields.u16(),
    sequence: fields.u64(),
    number: fields.u64(),
    head: bytes.subarray(offset, offset + frameHeadSize),
    chainBefore: bytes.subarray(offset - hashSize, offset),
  };
}

export const lengthIsPossible = ({ length }) => length >= frameAtLeast && length <= frameAtMost;

// The parts of a frame, as many as the file holds; undefined when they contradict the frame's length.
export function parseParts(bytes, { offset, length, partCount }) {
  const fields = new Fields(bytes, offset + frameHeadSize);
  const end = offset + length - hashSize;
  const parts = [];
  for (let index = 0; index < partCount; ++index) {
    const start = fields.at;
    if (start + partHeadSize > end || partCount > partsAtMost) return undefined;
    if (start + partHeadSize > bytes.length) return parts;
    const size = fields.u32();
    const part = { index, type: fields.u8(), flags: fields.u8(), key: fields.u16(), step: fields.u32() };
    const [head, sealed] = [bytes.subarray(start, fields.at), bytes.subarray(fields.at, fields.at + size)];
    fields.at += size;
    if (fields.at > end) return undefined;
    parts.push({ ...part, head, sealed });
  }
  return fields.at === end ? parts : undefined;
}

// Whether a frame has the parts that belong in it. `tenants` are those that the header names; true of kinds that are
// signed or unknown.
export function fitsKind({ kind, parts }, tenants) {
  const [{ key: second } = {}] = parts.slice(1);
  const content = tenants.some(({ number }) => number === second) ? second : 1;
  const forTenant = content !== 1;
  const { record, requestBody: request, responseBody: response, note } = types;
  const bodies = [[], [[request, content]], [[response, content]], [[request, content], [response, content]]];
  const both = (type) => (forTenant ? [[type, 0], [type, content]] : [[type, 0]]);
  const whole = bodies.map((some) => [...both(record), ...some]);
  const piece = [request, response].map((type) => (forTenant ? [[note, 0], [type, content]] : [[type, 1]]));
  const allowed = {
    [kinds.exchange]: whole, [kinds.end]: whole, [kinds.begin]: [both(note)], [kinds.data]: [...piece, [[note, 0]]],
    [kinds.declaredGap]: [[[note, 0]]], [kinds.segmentEnd]: [[[note, 0]]],
  }[kind];
  const has = parts.map(({ type, key, flags }) => [type, key, flags].join());
  return allowed === undefined || allowed.some((one) => one.map((part) => [...part, 0].join()).join(' ') === has.join(' '));
}

export const chainOf = (bytes, { offset, length, chainBefore }) =>
  sha256(chainBefore, bytes.subarray(offset, offset + length - hashSize));

export const storedChain = (bytes, { offset, length }) => bytes.subarray(offset + length - hashSize, offset + length);

export function u16(value) {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

export function u32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function u64(value) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}
