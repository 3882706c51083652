// A log with signed checkpoints and tombstones: whom both readers believe, and what they find.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { kinds, parseHeader, signerExtension } from './format.mjs';
import {
  alter, checkpointsFile, checkpointsOf, copyOf, forge, forgeHeader, foundByBoth, home, keysFile, lastSegment, newKey,
  rebuild, replaceFrames, runWriter, secondReader, segmentFile, shownByBoth, signNote, spliced, tornSegment, writeLog,
} from './support.mjs';

const reader = newKey('reader');
const signer = newKey('signer', '--signing', 'gateway-1');
const other = newKey('other', '--signing', 'gateway-1');
const log = join(home, 'log');
writeLog(log, [reader], signer);

// What both find: at the log's own word, by the signer's public key, and with the second place.
const tear = `torn-declared@${tornSegment}`;
const found = (copy, options) => foundByBoth(copy, options).filter((name) => name !== tear);
const foundThrice = (copy) =>
  [{}, { signer }, { signer, checkpoints: checkpointsOf(copy) }].map((options) => found(copy, options));

const segment = (number) => (copy) => segmentFile(copy, number);
const last = segment(lastSegment);
const removeLast = (copy, count) => {
  for (let number = lastSegment; number > lastSegment - count; --number) {
    rmSync(segmentFile(copy, number));
    rmSync(keysFile(copy, number));
  }
};

test('the log as it was written is vouched for, and reads as one without signatures', () => {
  assert.deepEqual(foundThrice(log), [[], [], []]);
  assert.deepEqual(found(log, { key: reader, signer }), []);
  assert.equal(shownByBoth(log, reader).length, 103);
});

test('checkpoints of another signer than the one named are found', () => {
  assert.ok(found(log, { signer: other }).includes('wrong-signer@1'));
});

// With a signature of two bytes: it is of no kind that either reader knows.
const signByAnother = (file) =>
  alter(file, (bytes) => Buffer.from(bytes.toString().replaceAll(/— gateway-1 .+\n/g, '$&— witness.example AAAAAAAA\n')));

// [what is done, found at the log's own word, by the signer's key, with the second place]
const attacks = [
  ['the last segments taken away', [], [], [`rolled-back@${lastSegment}`], (copy) => removeLast(copy, 3)],
  ['the last end taken out', ['unsealed@16'], ['unsealed@16'], ['rolled-back@16', 'unsealed@16'],
    (copy) => rebuild(last(copy), (frames) => frames.slice(0, -1))],
  ['all frames of the last segment taken out', ['unsealed@16', 'unsigned@16'], ['unsealed@16', 'unsigned@16'],
    ['rolled-back@16', 'unsealed@16'], (copy) => rebuild(last(copy), () => [])],
  ['the last segment rewritten', ['fork@16'], ['fork@16'], ['fork@16'], (copy) => forge(last(copy), 1, 40, 1)],
  ['a checkpoint rewritten', ['checkpoint-forged@16'], ['checkpoint-forged@16'], ['checkpoint-forged@16'],
    (copy) => forge(last(copy), 0, 60, 1)],
  ['a checkpoint that is no part in the clear', ['checkpoint-forged@16'], ['checkpoint-forged@16'],
    ['checkpoint-forged@16'], (copy) => forge(last(copy), 0, 24 + 11, 1)],
  ['a segment in the middle taken away', ['missing@5'], ['missing@5'], ['missing@5'],
    (copy) => rmSync(segment(5)(copy))],
  ['a frame of the middle taken out', ['frames-missing@1'], ['frames-missing@1'], ['frames-missing@1'],
    (copy) => rebuild(segment(1)(copy), (frames) => spliced(frames, 7, 1))],
  ['a kept checkpoint changed', [], [], ['checkpoint-forged@4'], 
    (copy) => alter(checkpointsFile(copy, 4), (bytes) => bytes.fill('3', bytes.indexOf('time 2') + 5, bytes.indexOf('time 2') + 6))],
  ['the last segments taken away, and each kept checkpoint signed by another kind of signer too', [], [],
    [`rolled-back@${lastSegment}`], (copy) => { removeLast(copy, 3); signByAnother(checkpointsFile(copy, lastSegment)); }],
  ['a kept checkpoint cut by a crash', [], [], [],
    (copy) => alter(checkpointsFile(copy, 4), (bytes) => bytes.subarray(0, -10))],
];
for (const [what, ownWord, bySigner, withSecondPlace, attack] of attacks) {
  test(`${what}: ${withSecondPlace.join(' ') || 'nothing'}`, (context) => {
    const copy = copyOf(log, context);
    attack(copy);
    assert.deepEqual(foundThrice(copy), [ownWord, bySigner, withSecondPlace]);
  });
}

test('segments that the writer removed are removed by its word, and the rest reads on', (context) => {
  const copy = copyOf(log, context);
  runWriter(copy, 'last', [reader], signer);
  const [ownWord, bySigner, withSecondPlace] = foundThrice(copy);
  assert.match(bySigner[0], /^removed@\d+$/);
  assert.deepEqual([ownWord, withSecondPlace], [bySigner, bySigner]);
  assert.ok(shownByBoth(copy, reader).some(({ request_id }) => request_id === 'last-long-first'));
});

// The exit code of `log cat`, which both readers must agree on, and what the second says of segments that are not there.
function toldByBoth(copy) {
  shownByBoth(copy, reader);
  const { status, errors } = secondReader(copy, '--key', reader.file);
  return [status, ...errors.match(/^segment \d+: (removed|.*missing)$/gm) ?? []];
}

test('what a removal left behind is no trouble to either reader: segments gone, and one without its key block', (context) => {
  const copy = copyOf(log, context);
  runWriter(copy, 'last', [reader], signer);
  assert.deepEqual(toldByBoth(copy), [0]);
  const lastRemoved = Number(found(copy, { signer })[0].replace('removed@', ''));
  for (const number of [1, lastRemoved]) copyFileSync(segmentFile(log, number), segmentFile(copy, number));
  const gone = [1, 2, 3, lastRemoved - 1, lastRemoved].map((number) => `segment ${number}: removed`);
  assert.deepEqual(toldByBoth(copy), [0, ...gone]);
  copyFileSync(keysFile(log, lastRemoved), keysFile(copy, lastRemoved));
  assert.deepEqual(toldByBoth(copy), [0, ...gone.slice(0, -1)]);
  assert.deepEqual(found(copy, { signer }), [`removed@${lastRemoved}`]);
});

test("a tombstone by a forger's own signer, in a segment that he made, covers nothing", (context) => {
  const copy = copyOf(log, context);
  const forged = lastSegment + 1;
  rmSync(segmentFile(copy, 2));
  rmSync(keysFile(copy, 2));
  copyFileSync(last(copy), segmentFile(copy, forged));
  copyFileSync(keysFile(copy, lastSegment), keysFile(copy, forged));
  const { id } = parseHeader(readFileSync(segmentFile(log, 2)));
  const tombstone = `gateway-1\ntombstone\nsegments 1 2 ${id.toString('hex')}\nreason age\ntime 2026-01-02T03:00:00.000000Z\n`;
  const { note, raw } = signNote('gateway-1', tombstone, other);
  forgeHeader(segmentFile(copy, forged), (bytes) => {
    raw.copy(parseHeader(bytes).extensions.get(signerExtension));
    bytes.writeUInt32BE(forged, 36);
  });
  replaceFrames(segmentFile(copy, forged), kinds.tombstone, note);
  assert.deepEqual(toldByBoth(copy), [1, 'segment 2: missing']);
});

// What is found from the last checkpoint of segment 5 on.
const sinceTests = [
  ['intact from there on', [], (copy) => [1, 2, 3, 4].forEach((number) => rmSync(segmentFile(copy, number)))],
  ['its segment taken away', ['missing@5'], (copy) => rmSync(segmentFile(copy, 5))],
  ['the segment behind it taken away', ['missing@6'], (copy) => rmSync(segmentFile(copy, 6))],
  ['all from there on taken away', ['rolled-back@5'], (copy) => removeLast(copy, lastSegment - 4)],
  ['its segment rewritten', ['altered@5', 'fork@5'], (copy) => forge(segmentFile(copy, 5), 1, 40, 1)],
];
for (const [what, expected, change] of sinceTests) {
  test(`since a checkpoint, ${what}: ${expected.join(' ') || 'nothing'}`, (context) => {
    const copy = copyOf(log, context);
    change(copy);
    assert.deepEqual(found(copy, { signer, since: checkpointsFile(copy, 5) }), expected);
  });
}

test('since a checkpoint of another signer: wrong-signer', (context) => {
  const copy = copyOf(log, context);
  const since = checkpointsFile(copy, 5);
  assert.ok(found(copy, { signer: other, since }).includes('wrong-signer@5'));
  copyFileSync(checkpointsFile(copy, 6), since);
  assert.deepEqual(found(copy, { signer, since }), []);
});

test('a log whose signer changed is believed when both are named', (context) => {
  const copy = copyOf(log, context);
  runWriter(copy, 'after', [reader], other);
  assert.ok(found(copy, { signer }).every((name) => name.startsWith('wrong-signer@')));
  assert.notDeepEqual(found(copy, { signer }), []);
  assert.deepEqual(found(copy, { signers: [signer, other], checkpoints: checkpointsOf(copy) }), []);
});

test('a last segment without its end is open while somebody holds the lock, and unsealed after', async (context) => {
  const copy = copyOf(log, context);
  rebuild(last(copy), (frames) => frames.slice(0, -1));
  const writer = spawn('flock', [join(copy, 'writer.lock'), 'sh', '-c', 'echo held; exec cat'], { stdio: 'pipe' });
  await once(writer.stdout, 'data');
  assert.deepEqual(found(copy, { signer }), [`open@${lastSegment}`]);
  writer.stdin.end();
  await once(writer, 'exit');
  assert.deepEqual(found(copy, { signer }), [`unsealed@${lastSegment}`]);
});
