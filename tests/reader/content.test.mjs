// The second reader against the first (`sallyport log cat`), on the golden log and on one that the gateway's writer made.
import assert from 'node:assert/strict';
import { constants, createPublicKey, publicEncrypt, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readExchanges } from './exchanges.mjs';
import { makeKeyBlock, parseHeader, parseKeyBlock } from './format.mjs';
import { hpke, KeyHolder, pointOf, recipientId, SegmentKeys, suites, wrappingContext } from './keys.mjs';
import {
  copyOf, foundByBoth, home, keysFile, newKey, segmentFile, shownByBoth, tornSegment, writeLog,
} from './support.mjs';
import { verifyLog } from './verify.mjs';

const golden = new URL('../vectors/log_v1/', import.meta.url).pathname;
const passphraseFile = join(home, 'passphrase');
writeFileSync(passphraseFile, 'correct horse\n', { mode: 0o600 });
const p256 = newKey('p256');
const rsa = newKey('rsa', '--type', 'rsa3072');
const secret = newKey('secret', '--passphrase-file', passphraseFile);
const stranger = newKey('stranger');

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
    const gap = { segment: 1, finding: 'gap-declared', frame: 4, byte: 790 };
    assert.deepEqual(await verifyLog(golden, { holder }), [gap]);
  });
}

test('a log with long streams, rotation and a crash shows the same in both readers', () => {
  const log = join(home, 'log');
  writeLog(log, [p256, rsa, secret]);
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
  assert.deepEqual(foundByBoth(directory, { key: stranger }), ['gap-declared@1']);
  assert.deepEqual(foundByBoth(directory, { key: p256 }), ['gap-declared@1', 'not-a-recipient@1']);
});

test('what Node wraps with RSA-OAEP, the first reader opens', async (context) => {
  const directory = await rewrapped(context, suites.rsaOaep, rsa, wrapWithRsa);
  assert.equal(shownByBoth(directory, rsa).length, 2);
  assert.deepEqual(foundByBoth(directory, { key: rsa }), ['gap-declared@1']);
});

test('another key wrapped for the same recipient: keys-swapped@1', async (context) => {
  const wrapAnother = (publicKey, segmentKey, id) => wrapWithHpke(publicKey, randomBytes(32), id);
  const directory = await rewrapped(context, suites.hpkeP256, p256, wrapAnother);
  assert.deepEqual(foundByBoth(directory, { key: p256 }), ['gap-declared@1', 'keys-swapped@1']);
});
