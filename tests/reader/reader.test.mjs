// The second reader against the first (`sallyport log`), on logs that the first one's side wrote, and on copies of them
// that were tampered with.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { constants, createPublicKey, publicEncrypt, randomBytes } from 'node:crypto';
import { copyFileSync, cpSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readExchanges } from './exchanges.mjs';
import { makeKeyBlock, parseHeader, parseKeyBlock, sha256 } from './format.mjs';
import { hpke, KeyHolder, pointOf, recipientId, SegmentKeys, suites, wrappingContext } from './keys.mjs';
import { walk } from './segments.mjs';
import { verifyLog } from './verify.mjs';

const golden = new URL('../vectors/log_v1/', import.meta.url).pathname;
const home = mkdtempSync(join(tmpdir(), 'sallyport-reader-'));
after(() => rmSync(home, { recursive: true }));

function run(program, ...args) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { maxBuffer: 1 << 28 });
  if (error) throw error;
  return { status, out: stdout.toString(), errors: stderr.toString() };
}
const sallyport = (...args) => run(process.env.SALLYPORT, ...args);
const secondReader = (...args) => run(process.execPath, new URL('read.mjs', import.meta.url).pathname, ...args);

const segmentFile = (directory, number) => join(directory, `${String(number).padStart(10, '0')}.segment`);
const keysFile = (directory, number) => join(directory, `${String(number).padStart(10, '0')}.keys`);

function newKey(name, ...args) {
  const { status, errors } = sallyport('key', 'new', '--out', join(home, name), ...args);
  assert.equal(status, 0, errors);
  return { file: join(home, `${name}.key`), recipient: readFileSync(join(home, `${name}.pub`), 'utf8').trim() };
}

const passphraseFile = join(home, 'passphrase');
writeFileSync(passphraseFile, 'correct horse\n', { mode: 0o600 });
const p256 = newKey('p256');
const rsa = newKey('rsa', '--type', 'rsa3072');
const secret = newKey('secret', '--passphrase-file', passphraseFile);
const stranger = newKey('stranger');

// Three runs of the writer. The second one crashes: its last segment is torn within a frame, and the third one says so.
const log = join(home, 'log');
const tornSegment = 11;
for (const name of ['one', 'crash', 'two']) {
  const { status, errors } = run(process.env.WRITE_LOG, log, name, p256.recipient, rsa.recipient, secret.recipient);
  assert.equal(status, 0, errors);
  if (name === 'crash') alter(segmentFile(log, tornSegment), (bytes) => bytes.subarray(0, -5));
}

function alter(file, change) {
  writeFileSync(file, change(Buffer.from(readFileSync(file))));
}

const framesOf = (bytes) => walk({ bytes, header: parseHeader(bytes) }).frames;
const lastFrameOf = (bytes) => framesOf(bytes).at(-1).offset;

// Both readers show the same, byte for byte; returned is what they show.
function shownByBoth(directory, key, ...secrets) {
  const first = sallyport('log', 'cat', '--json', '--content', '--key', key.file, ...secrets, directory);
  const second = secondReader(directory, '--key', key.file, ...secrets);
  assert.equal(second.status, first.status, second.errors + first.errors);
  assert.ok(first.out === second.out, 'the two readers show different exchanges');
  return second.out.trimEnd().split('\n').map((line) => JSON.parse(line));
}

for (const name of ['p256.pem', 'rsa3072.pem']) {
  test(`the golden log opens with ${name}`, async () => {
    const told = [];
    const read = [];
    const holder = await KeyHolder.of(readFileSync(golden + name));
    for await (const exchange of readExchanges(golden, holder, (segment, finding) => told.push(finding))) {
      const bodies = [exchange.request, exchange.response].map((pieces) => Buffer.concat(pieces).toString());
      read.push([exchange.exchange, exchange.record, ...bodies]);
    }
    assert.deepEqual(read, [
      [1n << 32n, '{"request_id":"r-1","status":200}', '{"model":"llama"}', '{"choices":[]}'],
      [(1n << 32n) + 1n, '{"request_id":"r-2","status":200}', 'a long prompt', ''],
    ]);
    assert.deepEqual(told, ['gap-declared']);
    assert.deepEqual(await verifyLog(golden, holder), [{ segment: 1, finding: 'gap-declared', frame: 4, byte: 790 }]);
  });
}

test('both readers show the same exchanges of a log with long streams, rotation and a crash', () => {
  const exchanges = shownByBoth(log, p256);
  assert.deepEqual(shownByBoth(log, rsa), exchanges);
  assert.deepEqual(shownByBoth(log, secret, '--passphrase-file', passphraseFile), exchanges);

  const named = (id) => exchanges.find(({ request_id }) => request_id === id);
  const long = named('one-long-first');
  assert.ok(long.request_body.length > 2 * 65_536 && long.response_body.length > 2 * 65_536, 'sent in pieces');
  assert.ok(long.segment - named('one-small-0').segment >= 3, 'over several segments');
  assert.equal(named('two-é\n"').response_body_base64, 'AP/DKOKC');  // 00 ff c3 28 e2 82
  assert.equal(named('crash-last'), undefined, 'torn');
  assert.deepEqual(exchanges.filter(({ finished }) => !finished).map(({ segment }) => segment), [tornSegment]);
});

// A copy of the log that goes when the test ends.
function copyOf(directory, context) {
  const copy = mkdtempSync(join(home, 'copy-'));
  context.after(() => rmSync(copy, { recursive: true }));
  cpSync(directory, copy, { recursive: true });
  return copy;
}

// The file's frames in another order: rebuild(file, (frames) => frames).
function rebuild(file, order) {
  alter(file, (bytes) => {
    const frames = framesOf(bytes).map(({ offset, length }) => bytes.subarray(offset, offset + length));
    return Buffer.concat([bytes.subarray(0, parseHeader(bytes).size), ...order(frames)]);
  });
}

const spliced = (frames, from, count, ...others) => [...frames.slice(0, from), ...others, ...frames.slice(from + count)];

const flip = (file, at) => alter(file, (bytes) => {
  bytes[at < 0 ? bytes.length + at : at] ^= 0x20;
  return bytes;
});

// What a forger without the key can do: change a frame and make the chain right again, up to the segment's end.
const forge = (file, index, at, mask) => alter(file, (bytes) => {
  const frames = framesOf(bytes);
  bytes[frames[index].offset + at] ^= mask;
  for (const { offset, length, chainBefore } of frames) {
    sha256(chainBefore, bytes.subarray(offset, offset + length - 32)).copy(bytes, offset + length - 32);
  }
  return bytes;
});

// A header altered by someone who makes its hash right again.
const forgeHeader = (file, change) => alter(file, (bytes) => {
  const { size } = parseHeader(bytes);
  change(bytes);
  sha256(bytes.subarray(0, size - 32)).copy(bytes, size - 32);
  return bytes;
});

function swap(one, other) {
  renameSync(one, `${one}.between`);
  renameSync(other, one);
  renameSync(`${one}.between`, other);
}

// What is done to a copy of the log, and a finding it must bring; those with a * only when a key is there.
const [segment, keys] = [(number) => (copy) => segmentFile(copy, number), (number) => (copy) => keysFile(copy, number)];
const tamperings = [
  ['a byte of a body changed', 'altered@2', (copy) => flip(segment(2)(copy), 5_000)],
  ['a byte of a header changed', 'unreadable@2', (copy) => flip(segment(2)(copy), 40)],
  ['a frame taken out', 'frames-missing@1', (copy) => rebuild(segment(1)(copy), (frames) => spliced(frames, 7, 1))],
  ['a frame doubled', 'frames-repeated@1',
    (copy) => rebuild(segment(1)(copy), (frames) => spliced(frames, 7, 0, frames[3]))],
  ['two frames swapped', 'frames-reordered@1',
    (copy) => rebuild(segment(1)(copy), (frames) => spliced(frames, 7, 2, frames[8], frames[7]))],
  ['bytes behind the end', 'trailing@16', (copy) => alter(segment(16)(copy), (bytes) => Buffer.concat([bytes, bytes]))],
  ['the middle cut', 'truncated@3', (copy) => alter(segment(3)(copy), (bytes) => bytes.subarray(0, -1_000))],
  ['zeros from some byte on', 'truncated@3', (copy) => alter(segment(3)(copy), (bytes) => bytes.fill(0, 70_000))],
  ['a length that reaches behind the file', 'altered@2',
    (copy) => alter(segment(2)(copy), (bytes) => bytes.fill(0x0f, lastFrameOf(bytes) + 1, lastFrameOf(bytes) + 2))],
  ['what was declared torn, cut further', 'truncated@11',
    (copy) => rebuild(segment(tornSegment)(copy), (frames) => frames.slice(0, -1))],
  ['the end taken out', 'unsealed@16', (copy) => rebuild(segment(16)(copy), (frames) => frames.slice(0, -1))],
  ['the last one cut within a frame', 'torn@16', (copy) => alter(segment(16)(copy), (bytes) => bytes.subarray(0, -1))],
  ['a frame sealed by nobody, in the middle', 'altered@4', (copy) => forge(segment(4)(copy), 1, 40, 1)],
  ['a frame sealed by nobody, at the end', 'forged@16*', (copy) => forge(segment(16)(copy), 0, 40, 1)],
  ['parts of a key that nobody has', 'forged@16*', (copy) => forge(segment(16)(copy), 1, 24 + 6, 0x80)],
  ['a frame that claims to be one to pass over', 'forged@16*', (copy) => {
    forge(segment(16)(copy), 1, 5, 1);
    forge(segment(16)(copy), 1, 24 + 6, 0x80);
  }],
  ['a segment taken away', 'missing@5', (copy) => rmSync(segment(5)(copy))],
  ['the last one taken away, its keys forgotten', 'missing@16', (copy) => rmSync(segment(16)(copy))],
  ['two segments swapped', 'misplaced@5', (copy) => swap(segment(5)(copy), segment(6)(copy))],
  ['a segment twice', 'duplicated@6', (copy) => copyFileSync(segment(5)(copy), segment(6)(copy))],
  ['another origin', 'foreign@5', (copy) => forgeHeader(segment(5)(copy), (bytes) => bytes.write('gateway-9', 150))],
  ['another predecessor', 'wrong-link@5', (copy) => forgeHeader(segment(5)(copy), (bytes) => bytes.fill(9, 80, 96))],
  ['no key block', 'keys-missing@2', (copy) => rmSync(keys(2)(copy))],
  ['a key block cut', 'keys-malformed@2', (copy) => alter(keys(2)(copy), (bytes) => bytes.subarray(0, -1))],
  ['the key block of another segment', 'keys-foreign@2', (copy) => copyFileSync(keys(3)(copy), keys(2)(copy))],
  ['a key block with another MAC', 'keys-altered@2*', (copy) => flip(keys(2)(copy), -1)],
  ['a wrapped key changed', 'keys-altered@2*', (copy) => flip(keys(2)(copy), 36 + 4 + 16 + 2 + 70)],
];

for (const [what, expected, tamper] of tamperings) {
  test(`both readers find ${expected}: ${what}`, (context) => {
    const copy = copyOf(log, context);
    tamper(copy);
    for (const key of [undefined, p256]) {
      const found = foundByBoth(copy, key);
      const needsKey = expected.endsWith('*');
      assert.equal(found.includes(expected.replace('*', '')), key !== undefined || !needsKey, `${found}`);
    }
  });
}

const holes = [
  ['is gone', (copy) => rmSync(segment(3)(copy))],
  ['does not open', (copy) => rmSync(keys(3)(copy))],
  ['is damaged', (copy) => flip(segment(3)(copy), 5_000)],
  ['ends early', (copy) => rebuild(segment(3)(copy), (frames) => frames.slice(0, 1))],
];
for (const [what, tamper] of holes) {
  test(`both readers show an exchange as cut when a segment in its middle ${what}`, (context) => {
    const copy = copyOf(log, context);
    tamper(copy);
    const cut = shownByBoth(copy, p256).filter((exchange) => exchange.cut).map(({ request_id }) => request_id);
    assert.deepEqual(cut, ['one-long-second', 'one-long-first']);
  });
}

// A copy of the golden log whose key block the second reader made: its own MAC, and one entry, for `recipient`.
async function rewrapped(context, suite, { file }, wrap) {
  const publicKey = createPublicKey(readFileSync(file));
  const directory = copyOf(golden, context);
  const header = parseHeader(readFileSync(segmentFile(directory, 1)));
  const block = parseKeyBlock(readFileSync(keysFile(directory, 1)));
  const holder = await KeyHolder.of(readFileSync(golden + 'p256.pem'));
  const segmentKey = await holder.unwrap(block.id, block.entries.find((entry) => holder.isRecipientOf(entry)));
  const wrapped = await wrap(publicKey, segmentKey, block.id);
  const entry = { key: 0, suite, recipient: recipientId(publicKey), wrapped };
  const { macOf } = new SegmentKeys(header, segmentKey);
  writeFileSync(keysFile(directory, 1), makeKeyBlock(block.id, block.generation + 1, [entry], macOf));
  return directory;
}

async function wrapWithHpke(publicKey, segmentKey, id) {
  const recipient = await hpke.DeserializePublicKey(pointOf(publicKey));
  const { encapsulatedSecret, ciphertext } = await hpke.Seal(recipient, segmentKey, { info: wrappingContext(id, 0) });
  return Buffer.concat([encapsulatedSecret, ciphertext]);
}

const wrapWithRsa = (publicKey, segmentKey) =>
  publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }, segmentKey);

test('what npm hpke wraps, the first reader opens', async (context) => {
  const directory = await rewrapped(context, suites.hpkeP256, stranger, wrapWithHpke);
  assert.equal(shownByBoth(directory, stranger).length, 2);
  assert.deepEqual(foundByBoth(directory, stranger), ['gap-declared@1']);
  assert.deepEqual(foundByBoth(directory, p256), ['gap-declared@1', 'not-a-recipient@1']);
});

test('what Node wraps with RSA-OAEP, the first reader opens', async (context) => {
  const directory = await rewrapped(context, suites.rsaOaep, rsa, wrapWithRsa);
  assert.equal(shownByBoth(directory, rsa).length, 2);
  assert.deepEqual(foundByBoth(directory, rsa), ['gap-declared@1']);
});

test('both readers find keys-swapped@1: another key, wrapped for the same recipient', async (context) => {
  const wrapAnother = (publicKey, segmentKey, id) => wrapWithHpke(publicKey, randomBytes(32), id);
  const directory = await rewrapped(context, suites.hpkeP256, p256, wrapAnother);
  assert.deepEqual(foundByBoth(directory, p256), ['gap-declared@1', 'keys-swapped@1']);
});

test('both readers find nothing but the declared tear in the log as it was written', () => {
  assert.deepEqual(foundByBoth(log, rsa), [`torn-declared@${tornSegment}`]);
});

test('both readers find that a key is no recipient', () => {
  assert.ok((foundByBoth(log, stranger)).includes('not-a-recipient@1'));
});

// The names that both readers find, sorted: they, their places and whether they are problems must be the same.
function foundByBoth(directory, key) {
  const withKey = key ? ['--key', key.file] : [];
  const first = sallyport('log', 'verify', '--json', ...withKey, directory);
  const second = secondReader(directory, '--verify', ...withKey);
  const findings = ({ out }) => out.split('\n').filter((line) => line.includes('"finding"'))
    .map((line) => JSON.parse(line))
    .map(({ finding, segment: number, frame, problem }) => ({ finding: `${finding}@${number}`, frame, problem }))
    .sort((a, b) => (a.finding < b.finding ? -1 : 1));
  assert.deepEqual(findings(second), findings(first));
  assert.equal(second.status, first.status);
  return findings(second).map(({ finding }) => finding);
}
