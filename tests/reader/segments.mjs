// The segments of a directory, each walked as far as its chain holds. Needs no key.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  chainOf, frameHeadSize, kinds, lengthIsPossible, parseFrameHead, parseHeader, parseKeyBlock, parseParts, storedChain,
} from './format.mjs';

const lastNumber = 2 ** 32 - 1;

// Whether a process on this machine writes the log. Node cannot ask for a file's lock, util-linux's flock(1) can.
export function isBeingWritten(directory) {
  const lock = join(directory, 'writer.lock');
  const taken = 75;
  const ask = ['--shared', '--nonblock', '--conflict-exit-code', String(taken), lock, 'true'];
  return existsSync(lock) && spawnSync('flock', ask).status === taken;
}

// What there is from segment `first` to the last: {number, bytes?, header?, hasBlock, block?}. What has no file is absent;
// header and block are also when the file is not of their form. A key block behind the last segment stands for one
// that is missing, unless the log is being written; of a long row of missing ones the first two and the last are listed.
export function listSegments(directory, first = 1, beingWritten = false) {
  const names = new Set(readdirSync(directory));
  const nameOf = (number, kind) => `${String(number).padStart(10, '0')}.${kind}`;
  const read = (name) => (names.has(name) ? readFileSync(join(directory, name)) : undefined);
  const present = [...names]
    .filter((name) => /^\d{10}\.segment$/.test(name))
    .map((name) => Number.parseInt(name, 10))
    .filter((number) => number > 0 && number <= lastNumber)
    .sort((a, b) => a - b);
  if (present.length === 0) throw new Error(`${directory} holds no log segment`);
  const next = present.at(-1) + 1;
  if (!beingWritten && names.has(nameOf(next, 'keys'))) present.push(next);
  return present
    .filter((number) => number >= first)
    .flatMap((number, index, all) => [...gap((all[index - 1] ?? first - 1) + 1, number - 1), number])
    .map((number) => {
      const [bytes, block] = [read(nameOf(number, 'segment')), read(nameOf(number, 'keys'))];
      const [header, hasBlock] = [bytes && parseHeader(bytes), block !== undefined];
      return { number, bytes, header, hasBlock, block: block && parseKeyBlock(block) };
    });
}

const gap = (first, last) => [...new Set([first, first + 1, last])].filter((one) => one >= first && one <= last);

// The whole frames of a segment with a header, `most` of them, and how they end:
// {frames, end: the byte behind the last, chain: its hash, sealed, tail: undefined, 'torn' or a verdict}
export function walk({ bytes, header }, most = Infinity) {
  const frames = [];
  let end = header.size;
  let chain = header.chain;
  let tail;
  const sealed = () => frames.at(-1)?.kind === kinds.segmentEnd;
  while (tail === undefined && frames.length < most && end < bytes.length) {
    const frame = bytes.length - end < frameHeadSize ? undefined : parseFrameHead(bytes, end);
    tail = sealed() ? 'trailing' : frame ? wrongWith(bytes, frame, BigInt(frames.length)) : 'torn';
    if (tail !== undefined) break;
    frames.push({ ...frame, parts: parseParts(bytes, frame) });
    end += frame.length;
    chain = storedChain(bytes, frame);
  }
  return { frames, end, chain, sealed: sealed(), tail };
}

// Undefined for the frame that was chained here. What a crash left (a frame cut short by the file's end, or by zeros
// that a file system left behind it) is torn.
function wrongWith(bytes, frame, next) {
  if (!lengthIsPossible(frame)) return onlyZeros(bytes, frame.offset) ? 'torn' : 'altered';
  const end = frame.offset + frame.length;
  const cut = end > bytes.length;
  const misplaced = frame.sequence !== next;
  const sound = !misplaced && parseParts(bytes, frame) !== undefined;
  if (sound && (cut || chainOf(bytes, frame).equals(storedChain(bytes, frame)))) return cut ? 'torn' : undefined;
  if (onlyZeros(bytes, Math.min(end, bytes.length) - 1)) return 'torn';
  return misplaced ? whereIs(next, bytes, frame) : 'altered';
}

const onlyZeros = (bytes, from) => bytes.subarray(from).every((byte) => byte === 0);

// Where the frame that should stand here went, as far as the sequence numbers of this one and those behind it tell.
function whereIs(next, bytes, frame) {
  if (frame.sequence < next) return 'frames-repeated';
  for (let at = frame.offset; at + frameHeadSize <= bytes.length;) {
    const later = parseFrameHead(bytes, at);
    if (!lengthIsPossible(later)) break;
    if (later.sequence === next) return 'frames-reordered';
    at += later.length;
  }
  return 'frames-missing';
}
