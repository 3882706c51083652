// Copies of a log that were tampered with: the second reader finds what the first one (`sallyport log verify`) finds.
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  alter, copyOf, flip, forge, forgeHeader, forgePart, foundByBoth, framesOf, home, keysFile, lastSegment, newKey, rebuild,
  segmentFile, shownByBoth, spliced, swap, tornSegment, writeLog,
} from './support.mjs';

const reader = newKey('reader');
const stranger = newKey('stranger');
const log = join(home, 'log');
writeLog(log, [reader]);
const lastFrameOf = (bytes) => framesOf(bytes).at(-1).offset;

test('nothing is found but the declared tear in the log as it was written', () => {
  for (const key of [undefined, reader]) assert.deepEqual(foundByBoth(log, { key }), [`torn-declared@${tornSegment}`]);
});

test('a key that is no recipient is found', () => {
  assert.ok(foundByBoth(log, { key: stranger }).includes('not-a-recipient@1'));
});

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
  ['bytes behind the end', 'trailing@16',
    (copy) => alter(segment(lastSegment)(copy), (bytes) => Buffer.concat([bytes, bytes]))],
  ['the middle cut', 'truncated@3', (copy) => alter(segment(3)(copy), (bytes) => bytes.subarray(0, -1_000))],
  ['zeros from some byte on', 'truncated@3', (copy) => alter(segment(3)(copy), (bytes) => bytes.fill(0, 70_000))],
  ['a length that reaches behind the file', 'altered@2',
    (copy) => alter(segment(2)(copy), (bytes) => bytes.fill(0x0f, lastFrameOf(bytes) + 1, lastFrameOf(bytes) + 2))],
  ['what was declared torn, cut further', 'truncated@11',
    (copy) => rebuild(segment(tornSegment)(copy), (frames) => frames.slice(0, -1))],
  ['the end taken out', 'unsealed@16', (copy) => rebuild(segment(lastSegment)(copy), (frames) => frames.slice(0, -1))],
  ['the last one cut within a frame', 'torn@16',
    (copy) => alter(segment(lastSegment)(copy), (bytes) => bytes.subarray(0, -1))],
  ['a frame sealed by nobody, in the middle', 'altered@4', (copy) => forge(segment(4)(copy), 1, 40, 1)],
  ['a frame sealed by nobody, at the end', 'forged@16*', (copy) => forge(segment(lastSegment)(copy), 0, 40, 1)],
  ['parts of a key that nobody has', 'forged@16*', (copy) => forge(segment(lastSegment)(copy), 1, 24 + 6, 0x80)],
  ['a frame that claims to be one to pass over', 'forged@16*', (copy) => {
    forge(segment(lastSegment)(copy), 1, 5, 1);
    forge(segment(lastSegment)(copy), 1, 24 + 6, 0x80);
  }],
  ['a segment taken away', 'missing@5', (copy) => rmSync(segment(5)(copy))],
  ['the last one taken away, its keys forgotten', 'missing@16', (copy) => rmSync(segment(lastSegment)(copy))],
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
  test(`${what}: ${expected}`, (context) => {
    const copy = copyOf(log, context);
    tamper(copy);
    for (const key of [undefined, reader]) {
      const found = foundByBoth(copy, { key });
      const needsKey = expected.endsWith('*');
      assert.equal(found.includes(expected.replace('*', '')), key !== undefined || !needsKey, `${found}`);
    }
  });
}

// What is done to the one body of an exchange that stands last in an unfinished segment.
const lastBodies = [
  ['another type', [3, 1]], ['another type and a key that nobody has', [9, 40_000]], ['the plain key', [9, 65_535]],
  ['a key that nobody has', [2, 40_000]], ['the form of a note', [4, 40_000]], ['flags', [2, 1, 1]],
];
for (const [what, head] of lastBodies) {
  test(`a body that was given ${what} is not shown as if it were not there`, (context) => {
    const copy = copyOf(log, context);
    const file = segmentFile(copy, 1);
    for (let number = 2; number <= lastSegment; ++number) rmSync(segmentFile(copy, number));
    for (let number = 2; number <= lastSegment; ++number) rmSync(keysFile(copy, number));
    const index = framesOf(readFileSync(file)).findIndex(({ kind, parts }) => kind === 1 && parts.length === 3);
    rebuild(file, (frames) => frames.slice(0, index + 1));
    forgePart(file, index, 1, head);
    assert.deepEqual(foundByBoth(copy, { key: reader }), ['forged@1', 'unsealed@1']);
    const shown = shownByBoth(copy, reader);
    assert.equal(shown.at(-1).content_damaged, true);
    assert.equal(shown.at(-1).request_body, undefined);
  });
}

const holes = [
  ['is gone', (copy) => rmSync(segment(3)(copy))],
  ['does not open', (copy) => rmSync(keys(3)(copy))],
  ['is damaged', (copy) => flip(segment(3)(copy), 5_000)],
  ['ends early', (copy) => rebuild(segment(3)(copy), (frames) => frames.slice(0, 1))],
];
for (const [what, tamper] of holes) {
  test(`an exchange is shown as cut when a segment in its middle ${what}`, (context) => {
    const copy = copyOf(log, context);
    tamper(copy);
    const cut = shownByBoth(copy, reader).filter((exchange) => exchange.cut).map(({ request_id }) => request_id);
    assert.deepEqual(cut, ['one-long-second', 'one-long-first']);
  });
}
