// Post-quantum recipients (suite 3) in both readers: the golden log, and what each of the two wraps for the other. The
// first reader needs OpenSSL 3.5 for that; the second one opens the golden log everywhere.
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readExchanges } from './exchanges.mjs';
import { makeKeyBlock, parseHeader, parseKeyBlock } from './format.mjs';
import { hybridPublicKey, hybridSeed, hybridSuite } from './hybrid.mjs';
import { idOf, KeyHolder, SegmentKeys, suites, wrappingContext } from './keys.mjs';
import { copyOf, foundByBoth, home, keysFile, newKey, sallyport, segmentFile, shownByBoth, writeLog } from './support.mjs';
import { verifyLog } from './verify.mjs';

const golden = new URL('../vectors/log_v1_pq/', import.meta.url).pathname;
const key = { file: join(home, 'golden.key') };  // for its owner alone, or the first reader does not take it
writeFileSync(key.file, readFileSync(join(golden, 'mlkem768-x25519.pem')), { mode: 0o600 });
const wrappedByHpke = join(golden, 'by_hpke.keys');
const exchanges = [
  ['{"request_id":"r-1","status":200}', '{"model":"llama"}'], ['{"request_id":"r-2","status":200}', 'a long prompt'],
];
const available = sallyport('key', 'new', '--type', 'mlkem768-x25519', '--out', join(home, 'probe')).status === 0;
const skip = available ? false : 'this OpenSSL has no ML-KEM (3.5 and newer have)';

// The golden segment's key block, made by npm hpke for a public key of 1,216 bytes.
async function keyBlockFor(publicKey) {
  const header = parseHeader(readFileSync(segmentFile(golden, 1)));
  const block = parseKeyBlock(readFileSync(keysFile(golden, 1)));
  const holder = await KeyHolder.of(readFileSync(key.file));
  const segmentKey = await holder.unwrap(block.id, block.entries.find((entry) => holder.isRecipientOf(entry)));
  const suite = await hybridSuite();
  const recipient = await suite.DeserializePublicKey(publicKey);
  const { encapsulatedSecret, ciphertext } =
    await suite.Seal(recipient, segmentKey, { info: wrappingContext(block.id, 0) });
  const wrapped = Buffer.concat([encapsulatedSecret, ciphertext]);
  const entry = { key: 0, suite: suites.hybrid, recipient: idOf(publicKey), wrapped };
  const { macOf } = new SegmentKeys(header, Buffer.from(segmentKey));
  return makeKeyBlock(block.id, block.generation + 1, [entry], macOf);
}

if (process.env.MAKE_GOLDEN) {
  writeFileSync(wrappedByHpke, await keyBlockFor(await hybridPublicKey(hybridSeed(readFileSync(key.file)))));
}

for (const [who, block] of [['OpenSSL', keysFile(golden, 1)], ['npm hpke', wrappedByHpke]]) {
  test(`the golden post-quantum log opens with the key that ${who} wrapped`, async (context) => {
    const log = copyOf(golden, context);
    copyFileSync(block, keysFile(log, 1));
    const holder = await KeyHolder.of(readFileSync(key.file));
    const read = [];
    for await (const { record, request } of readExchanges(log, holder, () => {})) {
      read.push([record, Buffer.concat(request).toString()]);
    }
    assert.deepEqual(read, exchanges);
    assert.deepEqual((await verifyLog(log, { holder })).map(({ finding }) => finding), ['gap-declared']);
    if (available) assert.equal(shownByBoth(log, key).length, 2);
  });
}

test('what npm hpke wraps for a new key, the first reader opens', { skip }, async (context) => {
  const fresh = newKey('fresh', '--type', 'mlkem768-x25519');
  const publicKey = Buffer.from(fresh.line.split(':')[1], 'base64');
  const log = copyOf(golden, context);
  writeFileSync(keysFile(log, 1), await keyBlockFor(publicKey));
  assert.equal(shownByBoth(log, fresh).length, 2);
  assert.deepEqual(foundByBoth(log, { key: fresh }), ['gap-declared@1']);
  assert.deepEqual(foundByBoth(log, { key }), ['gap-declared@1', 'not-a-recipient@1']);
});

test('a log that the gateway sealed to a post-quantum key shows the same in both readers', { skip }, () => {
  const reader = newKey('reader', '--type', 'mlkem768-x25519');
  const log = join(home, 'log');
  writeLog(log, [reader]);
  assert.equal(shownByBoth(log, reader).length, 103);
});
