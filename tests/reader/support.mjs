// What the tests share: the first reader (`sallyport log`) and the second, the program that writes logs for them, and
// the ways in which a copy of a log is tampered with.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import 'hpke';  // the second reader needs it: without it the whole test is skipped
import { parseHeader, sha256, types, u16, u32, u64 } from './format.mjs';
import { signerOf } from './notes.mjs';
import { walk } from './segments.mjs';

export const home = mkdtempSync(join(tmpdir(), 'sallyport-reader-'));
after(() => rmSync(home, { recursive: true }));

function run(program, ...args) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { maxBuffer: 1 << 28 });
  if (error) throw error;
  return { status, out: stdout.toString(), errors: stderr.toString() };
}
export const sallyport = (...args) => run(process.env.SALLYPORT, ...args);
export const secondReader = (...args) => run(process.execPath, new URL('read.mjs', import.meta.url).pathname, ...args);

export const segmentFile = (directory, number) => join(directory, `${String(number).padStart(10, '0')}.segment`);
export const keysFile = (directory, number) => join(directory, `${String(number).padStart(10, '0')}.keys`);

export const checkpointsOf = (directory) => `${directory}.checkpoints`;
export const checkpointsFile = (directory, number) =>
  join(checkpointsOf(directory), `${String(number).padStart(10, '0')}.checkpoints`);

// A pair of keys: {file, line}.
export function newKey(name, ...args) {
  const { status, errors } = sallyport('key', 'new', '--out', join(home, name), ...args);
  assert.equal(status, 0, errors);
  const publicHalf = join(home, `${name}.${args.includes('--signing') ? 'vkey' : 'pub'}`);
  return { file: join(home, `${name}.key`), line: readFileSync(publicHalf, 'utf8').trim() };
}

// Three runs of the writer. The second one crashes: its last segment is torn within a frame, and the third one says so.
export const tornSegment = 11;
export const lastSegment = 16;
export function writeLog(directory, recipients, signer) {
  for (const name of ['one', 'crash', 'two']) {
    runWriter(directory, name, recipients, signer);
    if (name === 'crash') alter(segmentFile(directory, tornSegment), (bytes) => bytes.subarray(0, -5));
  }
}

export function runWriter(directory, name, recipients, signer) {
  const lines = recipients.map(({ line }) => line);
  const { status, errors } = run(process.env.WRITE_LOG, directory, name, signer?.file ?? '-', ...lines);
  assert.equal(status, 0, errors);
}

// Both readers show the same, byte for byte; returned is what they show.
export function shownByBoth(directory, key, ...secrets) {
  const first = sallyport('log', 'cat', '--json', '--content', '--key', key.file, ...secrets, directory);
  const second = secondReader(directory, '--key', key.file, ...secrets);
  assert.equal(second.status, first.status, second.errors + first.errors);
  assert.ok(first.out === second.out, 'the two readers show different exchanges');
  return second.out.split('\n').filter(Boolean).map((line) => JSON.parse(line));
}

// The names that both readers find, sorted: they, their places and whether they are problems must be the same.
export function foundByBoth(directory, { key, signer, signers = signer ? [signer] : [], checkpoints, since } = {}) {
  const options = [
    ...(key ? ['--key', key.file] : []),
    ...signers.flatMap(({ line }) => ['--signer', line]),
    ...(checkpoints ? ['--checkpoints', checkpoints] : []),
    ...(since ? ['--since-checkpoint', since] : []),
  ];
  const first = sallyport('log', 'verify', '--json', ...options, directory);
  const second = secondReader(directory, '--verify', ...options);
  const findings = ({ out }) => out.split('\n').filter((line) => line.includes('"finding"'))
    .map((line) => JSON.parse(line))
    .map(({ finding, segment, frame, problem }) => ({ finding: `${finding}@${segment}`, frame, problem }))
    .sort((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1));
  assert.deepEqual(findings(second), findings(first), second.errors + first.errors);
  assert.equal(second.status, first.status);
  return findings(second).map(({ finding }) => finding);
}

// A copy of a log, and of its checkpoints' second place, that goes when the test ends.
export function copyOf(directory, context) {
  const copy = mkdtempSync(join(home, 'copy-'));
  cpSync(directory, copy, { recursive: true });
  if (existsSync(checkpointsOf(directory))) cpSync(checkpointsOf(directory), checkpointsOf(copy), { recursive: true });
  context.after(() => [copy, checkpointsOf(copy)].forEach((one) => rmSync(one, { recursive: true, force: true })));
  return copy;
}

export function alter(file, change) {
  writeFileSync(file, change(Buffer.from(readFileSync(file))));
}

export const framesOf = (bytes) => walk({ bytes, header: parseHeader(bytes) }).frames;

// The file's frames in another order: rebuild(file, (frames) => frames).
export function rebuild(file, order) {
  alter(file, (bytes) => {
    const frames = framesOf(bytes).map(({ offset, length }) => bytes.subarray(offset, offset + length));
    return Buffer.concat([bytes.subarray(0, parseHeader(bytes).size), ...order(frames)]);
  });
}

export const spliced = (frames, from, count, ...others) =>
  [...frames.slice(0, from), ...others, ...frames.slice(from + count)];

export const flip = (file, at) => alter(file, (bytes) => {
  bytes[at < 0 ? bytes.length + at : at] ^= 0x20;
  return bytes;
});

// What a forger without the key can do: change a frame and make the chain right again, up to the segment's end.
export const forge = (file, index, at, mask) => alter(file, (bytes) => {
  const frames = framesOf(bytes);
  bytes[frames[index].offset + at] ^= mask;
  for (const { offset, length, chainBefore } of frames) {
    sha256(chainBefore, bytes.subarray(offset, offset + length - 32)).copy(bytes, offset + length - 32);
  }
  return bytes;
});

// So with the head of one part: [type, key number, flags].
export const forgePart = (file, index, part, [type, key, flags = 0]) => alter(file, (bytes) => {
  const frames = framesOf(bytes);
  const { head } = frames[index].parts[part];
  head.writeUInt8(type, 4);
  head.writeUInt8(flags, 5);
  head.writeUInt16BE(key, 6);
  for (const { offset, length, chainBefore } of frames) {
    sha256(chainBefore, bytes.subarray(offset, offset + length - 32)).copy(bytes, offset + length - 32);
  }
  return bytes;
});

// A header altered by someone who makes its hash right again.
export const forgeHeader = (file, change) => alter(file, (bytes) => {
  const { size } = parseHeader(bytes);
  change(bytes);
  sha256(bytes.subarray(0, size - 32)).copy(bytes, size - 32);
  return bytes;
});

// A signed note, and the public half of the key that signed it.
export function signNote(name, text, { file }) {
  const key = createPrivateKey(readFileSync(file));
  const raw = Buffer.from(createPublicKey(key).export({ format: 'jwk' }).x, 'base64url');
  const signature = Buffer.concat([signerOf(name, raw).id, sign(null, Buffer.from(text), key)]);
  return { note: `${text}\n— ${name} ${signature.toString('base64')}\n`, raw };
}

// One frame with a note in the clear, and no other behind the header.
export const replaceFrames = (file, kind, note) => alter(file, (bytes) => {
  const { size, chain } = parseHeader(bytes);
  const text = Buffer.from(note);
  const part = [u32(text.length), Buffer.of(types.signedNote, 0), u16(65_535), u32(0), text];
  const head = [u32(24 + 12 + text.length + 32), Buffer.of(kind, 1), u16(1), u64(0n), u64(0n)];
  const frame = Buffer.concat([...head, ...part]);
  return Buffer.concat([bytes.subarray(0, size), frame, sha256(chain, frame)]);
});

export function swap(one, other) {
  renameSync(one, `${one}.between`);
  renameSync(other, one);
  renameSync(`${one}.between`, other);
}
