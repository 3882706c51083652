// A log of two tenants and the operator: what each key opens in both readers, erasure, and tampering with tenants' keys.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeKeyBlock, parseHeader, parseKeyBlock, sha256 } from './format.mjs';
import {
  alter, copyOf, forgePart, foundByBoth, framesOf, home, keysFile, newKey, rebuild, runWriter, sallyport, segmentFile,
  shownByBoth,
} from './support.mjs';

const golden = new URL('../vectors/log_v1_tenants/', import.meta.url).pathname;
// A copy, which nobody else may read: the first reader insists on it.
function goldenKey(name, from = 'log_v1_tenants') {
  const file = join(home, name);
  writeFileSync(file, readFileSync(new URL(`../vectors/${from}/${name}`, import.meta.url)), { mode: 0o600 });
  return { file };
}

const operator = newKey('operator');
const acme = newKey('acme');
const globex = newKey('globex', '--type', 'rsa3072');
const stranger = newKey('stranger');
const log = join(home, 'log');
runWriter(log, 'before', [operator]);  // there were no tenants yet
const firstOfTenants = 1 + Number(sallyport('log', 'verify', '--json', log).out.match(/"segments":(\d+)/)[1]);
const ofTenants = [operator, { line: `acme=${acme.line}` }, { line: `globex=${globex.line}` }, { line: `globex=${operator.line}` }];
for (const name of ['one', 'two']) runWriter(log, name, ofTenants);

const namesOf = (exchanges) => [...new Set(exchanges.map(({ tenant }) => tenant ?? 'operator'))].sort();

test('the golden log of tenants shows the same in both readers, with each of its keys', () => {
  const ids = (key) => shownByBoth(golden, key).map(({ request_id, request_body, content_sealed_for }) =>
    [request_id, request_body ?? `sealed for ${content_sealed_for}`]);
  assert.deepEqual(ids(goldenKey('acme.pem')), [['r-2', 'for acme alone']]);
  assert.deepEqual(ids(goldenKey('rsa3072.pem', 'log_v1')), [['r-3', 'for globex and the operator']]);
  assert.deepEqual(ids(goldenKey('p256.pem', 'log_v1')), [
    ['r-1', 'for the operator'], ['r-2', 'sealed for acme'], ['r-3', 'for globex and the operator'],
    ['r-4', 'sealed for initech'],
  ]);
  for (const key of [undefined, goldenKey('acme.pem'), goldenKey('p256.pem', 'log_v1')]) {
    assert.deepEqual(foundByBoth(golden, { key }), ['erased@1']);
  }
});

test("a tenant's key shows that tenant's exchanges, short and long, and nothing else", () => {
  const exchanges = shownByBoth(log, acme);
  assert.deepEqual(namesOf(exchanges), ['acme']);
  assert.equal(exchanges.length, 2 * 34);
  assert.ok(exchanges.every(({ request_body }) => request_body !== undefined));
  assert.ok(exchanges.every(({ cut }) => cut === undefined));
  assert.deepEqual(namesOf(shownByBoth(log, globex)), ['globex']);
});

test("the operator's key shows all records, and the content that is wrapped to it", () => {
  const exchanges = shownByBoth(log, operator);
  assert.deepEqual(namesOf(exchanges), ['acme', 'globex', 'operator']);
  const closed = exchanges.filter(({ content_sealed_for }) => content_sealed_for);
  assert.deepEqual(namesOf(closed), ['acme']);
  assert.ok(exchanges.filter(({ tenant }) => tenant === 'globex').every(({ request_body }) => request_body !== undefined));
});

test('nothing is found with any of the keys, and a key that is nobody\'s opens nothing', () => {
  for (const key of [undefined, operator, acme, globex]) assert.deepEqual(foundByBoth(log, { key }), []);
  assert.ok(foundByBoth(log, { key: stranger }).includes(`not-a-recipient@${firstOfTenants}`));
});

test("what was erased is found so, and opens no more", (context) => {
  const copy = copyOf(log, context);
  const { status, errors } = sallyport('log', 'erase', '--tenant', 'acme', '--key', operator.file, copy);
  assert.equal(status, 0, errors);
  const found = foundByBoth(copy);
  assert.ok(found.length > 1 && found.every((name) => name.startsWith('erased@')));
  assert.deepEqual(foundByBoth(copy, { key: operator }), found);
  assert.deepEqual(foundByBoth(copy, { key: globex }), found);
  assert.deepEqual(namesOf(shownByBoth(copy, globex)), ['globex']);
  assert.ok(foundByBoth(copy, { key: acme }).includes(`not-a-recipient@${firstOfTenants}`));
});

// What is done to the entries of the first segment's key block that has tenants; found without a key, with the
// operator's, with acme's.
function changeEntries(copy, change) {
  alter(keysFile(copy, firstOfTenants), (bytes) => {
    const block = parseKeyBlock(bytes);
    const mine = block.entries.filter(({ key }) => key === 2);
    const others = block.entries.filter(({ key }) => key === 3);
    const entries = change(block.entries.filter(({ key }) => key === 0), mine, others);
    return makeKeyBlock(block.id, block.generation, entries, () => block.mac);
  });
}
const renumbered = (entries, key) => entries.map((entry) => ({ ...entry, key }));
const tamperings = [
  ["tenants' wraps swapped", [], ['keys-altered'], ['keys-altered'],
    (segment, mine, others) => [...segment, ...renumbered(mine, 3), ...renumbered(others, 2)]],
  ["a tenant's wrap taken away", ['keys-missing'], ['keys-altered', 'keys-missing'], ['keys-missing'],
    (segment, mine, others) => [...segment, ...others]],
  ["a tenant's wrap changed", [], ['keys-altered'], ['keys-altered'],
    (segment, [{ wrapped, ...entry }], others) => [
      ...segment, { ...entry, wrapped: Buffer.concat([wrapped.subarray(0, -1), Buffer.of(wrapped.at(-1) ^ 1)]) }, ...others,
    ]],
  ["a tenant's wrap changed, and the right one behind it", [], ['keys-altered'], ['keys-altered'],
    (segment, [entry], others) => [...segment, { ...entry, wrapped: Buffer.alloc(97) }, entry, ...others]],
  ['more entries than a gateway writes', ['keys-malformed'], ['keys-malformed'], ['keys-malformed'],
    (segment, [entry]) => [...segment, ...Array(2048).fill(entry)]],
  ['an erasure that nobody made', ['erased'], ['erased', 'keys-altered'], ['erased'],
    (segment, mine, others) => [...segment, { key: 2, suite: 0, recipient: '', wrapped: Buffer.alloc(8) }, ...others]],
];
for (const [what, withoutKey, withKey, withTenants, change] of tamperings) {
  test(`${what}: ${withKey.join(' ')}`, (context) => {
    const copy = copyOf(log, context);
    changeEntries(copy, change);
    const found = (key) => foundByBoth(copy, { key });
    const here = (names) => names.map((name) => `${name}@${firstOfTenants}`);
    assert.deepEqual([found(), found(operator), found(acme)], [withoutKey, withKey, withTenants].map(here));
  });
}

test('to the tenant an exchange is cut where a segment in its middle says that its key was erased', (context) => {
  const copy = copyOf(log, context);
  const whole = shownByBoth(copy, acme).filter(({ request_id }) => request_id.endsWith('long-first'));
  assert.ok(whole.every(({ cut }) => cut === undefined));
  const file = keysFile(copy, whole[0].segment - 1);  // it stands where it ended
  alter(file, (bytes) => {
    const block = parseKeyBlock(bytes);
    const others = block.entries.filter(({ key }) => key !== 2);
    const erased = { key: 2, suite: 0, recipient: '', wrapped: Buffer.alloc(8) };
    return makeKeyBlock(block.id, block.generation, [...others, erased], () => block.mac);
  });
  const shown = shownByBoth(copy, acme).filter(({ request_id }) => request_id.endsWith('long-first'));
  assert.deepEqual(shown.map(({ cut }) => cut), [true, undefined]);
});

// What is done to the extension that names the tenants, in the last segment, whose hashes the forger makes right again.
const lastOfTenants = Math.max(...readdirSync(log).filter((name) => name.endsWith('.segment')).map(Number.parseFloat));
const forgeTenants = (file, change) => alter(file, (bytes) => {
  const [{ size, tenants, extensions }, frames] = [parseHeader(bytes), framesOf(bytes)];
  change(extensions.get(1), tenants);  // both in place
  sha256(bytes.subarray(0, size - 32)).copy(bytes, size - 32);
  for (const { offset, length, chainBefore } of frames) {
    sha256(chainBefore, bytes.subarray(offset, offset + length - 32)).copy(bytes, offset + length - 32);
  }
  return bytes;
});
const headerTamperings = [
  ["a tenant's name changed", (extension) => { extension[3] ^= 1; }],
  ["tenants' commitments swapped", (_, [one, other]) => {
    const kept = Buffer.from(one.commitment);
    other.commitment.copy(one.commitment);
    kept.copy(other.commitment);
  }],
];
for (const [what, change] of headerTamperings) {
  test(`${what}: keys-swapped`, (context) => {
    const copy = copyOf(log, context);
    forgeTenants(segmentFile(copy, lastOfTenants), change);
    const found = (key) => foundByBoth(copy, { key });
    const swapped = [`keys-swapped@${lastOfTenants}`];
    assert.deepEqual([found(), found(operator), found(acme)], [[], swapped, swapped]);
  });
}

// What is done to parts of the first exchange of an owner, behind which its segment was cut: [part, [type, key]]; and the
// tenant for whose key nothing is in the frame then, and all of it fits.
const [record, request, response] = [1, 2, 3];
const lastFrames = [
  ["the operator's body under a tenant's key", 'operator', [[1, [request, 2]]]],
  ["the operator's bodies as a tenant's copy of the record and its body", 'operator', [[1, [record, 2]], [2, [response, 2]]], globex],
  ["a tenant's body under another's key", 'acme', [[2, [request, 3]]]],
  ["a tenant's body under the operator's key", 'acme', [[2, [request, 1]]]],
  ["a tenant's body as one more copy of the record", 'acme', [[2, [record, 2]]]],
  ["a tenant's exchange as another's", 'acme', [[1, [record, 3]], [2, [request, 3]], [3, [response, 3]]], acme],
];

// Leaves the owner's first exchange as the log's last frame: {file, index, number}.
function leaveLast(copy, owner) {
  const numbers = readdirSync(copy).filter((name) => name.endsWith('.segment')).map(Number.parseFloat).sort((a, b) => a - b);
  const partCount = owner === 'acme' ? 4 : 3;
  const isIt = ({ kind, parts }) => kind === 1 && parts.length === partCount && (partCount === 3 || parts[1].key === 2);
  const number = numbers.find((one) => one >= firstOfTenants && framesOf(readFileSync(segmentFile(copy, one))).some(isIt));
  for (const behind of numbers.filter((one) => one > number)) {
    for (const file of [segmentFile(copy, behind), keysFile(copy, behind)]) rmSync(file);
  }
  const file = segmentFile(copy, number);
  const index = framesOf(readFileSync(file)).findIndex(isIt);
  rebuild(file, (frames) => frames.slice(0, index + 1));
  return { file, index, number };
}

for (const [what, owner, changes, unaware] of lastFrames) {
  test(`${what}: forged`, (context) => {
    const copy = copyOf(log, context);
    const { file, index, number } = leaveLast(copy, owner);
    for (const [part, head] of changes) forgePart(file, index, part, head);
    assert.deepEqual(foundByBoth(copy, { key: operator }), [`forged@${number}`, `unsealed@${number}`]);
    assert.equal(shownByBoth(copy, operator).at(-1).content_damaged, true);
    for (const key of [acme, globex]) {
      const found = foundByBoth(copy, { key });
      assert.deepEqual(found, [...(key === unaware ? [] : [`forged@${number}`]), `unsealed@${number}`]);
      if (key !== unaware) shownByBoth(copy, key);
    }
  });
}

test('a part without room for its tag, under a key that the reader has not: forged', (context) => {
  const copy = copyOf(log, context);
  const { file, index, number } = leaveLast(copy, 'acme');
  // Its last part gives all but 15 bytes to the one before, so that the frame's head and the first parts are as before.
  alter(file, (bytes) => {
    const { offset, length, chainBefore, parts } = framesOf(bytes)[index];
    const [one, other] = parts.slice(-2).map(({ head, sealed }) => ({ head: Buffer.from(head), sealed }));
    one.head.writeUInt32BE(one.sealed.length + other.sealed.length - 15, 0);
    other.head.writeUInt32BE(15, 0);
    const sealed = Buffer.concat([one.sealed, other.sealed]);
    const before = length - 32 - one.head.length - other.head.length - sealed.length;
    const frame = Buffer.concat([
      bytes.subarray(offset, offset + before), one.head, sealed.subarray(0, -15), other.head, sealed.subarray(-15),
    ]);
    return Buffer.concat([bytes.subarray(0, offset), frame, sha256(chainBefore, frame)]);
  });
  assert.deepEqual(foundByBoth(copy, { key: operator }), [`forged@${number}`, `unsealed@${number}`]);
});

test('a header whose tenants contradict each other is unreadable', (context) => {
  const copy = copyOf(log, context);
  forgeTenants(segmentFile(copy, lastOfTenants), (extension) => { extension[1] = 3; });
  assert.deepEqual(foundByBoth(copy), [`unreadable@${lastOfTenants}`]);
});
