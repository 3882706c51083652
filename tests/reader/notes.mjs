// What the writer signs about its log: C2SP signed notes (c2sp.org/signed-note), Ed25519.
import { createPublicKey, verify } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256, types } from './format.mjs';

const notEncrypted = 65_535;  // as a key number
const signatureSize = 64;
const algorithm = Buffer.of(1);  // Ed25519, in key ids and written keys

// Who signs. `raw` is the public key, 32 bytes.
export function signerOf(name, raw) {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') };
  const id = sha256(name, '\n', algorithm, raw).subarray(0, 4);
  return { name, id, key: createPublicKey({ key: jwk, format: 'jwk' }) };
}

// From NAME+HEX+BASE64.
export function parseSigner(line) {
  const [, name, id, key] = /^(.+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(line.trim()) ?? [];
  const bytes = Buffer.from(key ?? '', 'base64');
  const signer = bytes.length === 33 && bytes[0] === 1 ? signerOf(name, bytes.subarray(1)) : undefined;
  if (signer?.id.toString('hex') !== id) throw new Error('not the public half of a signing key');
  return signer;
}

// The notes in a text, with what is none between them: [{text, signatures: [{name, id, signature}]}].
const parseNotes = (bytes) => [...bytes.matchAll(/((?:[^\n]+\n)+)\n((?:— \S+ \S+\n)+)/g)].map(([, text, lines]) => {
  const signatures = [...lines.matchAll(/— (\S+) (\S+)\n/g)].map(([, name, base64]) => {
    const decoded = Buffer.from(base64, 'base64');
    return { name, id: decoded.subarray(0, 4), signature: decoded.subarray(4) };
  });
  return { text, signatures };
});

// Undefined when one of the signers signed it; else what is wrong.
export function wrongWithSignature(note, signers) {
  if (note === undefined) return 'checkpoint-forged';
  const known = note.signatures.flatMap(({ name, id, signature }) =>
    signers.filter((signer) => signer.name === name && signer.id.equals(id)).map(({ key }) => ({ key, signature })));
  if (known.length === 0) return 'wrong-signer';
  const genuine = known.some(({ key, signature }) => verify(null, Buffer.from(note.text), key, signature));
  return genuine ? undefined : 'checkpoint-forged';
}

// What a checkpoint says, or undefined for another text.
export function parseCheckpoint({ text }) {
  const match = /^(.+)\n(\d+)\n(\S+)\nsegment (\d+) ([0-9a-f]{32}) (\d+) (\d+)\ntime (\S+)\n$/.exec(text);
  if (match === null) return undefined;
  const [, origin, size, chain, segment, id, frames, bytes] = match;
  if (BigInt(size) !== (BigInt(segment) << 32n) + BigInt(frames)) return undefined;
  const place = { segment: Number(segment), frames: Number(frames), bytes: Number(bytes) };
  return { origin, chain: Buffer.from(chain, 'base64'), id, ...place };
}

// What a tombstone says: segments 1 to `last` were removed, and `id` was the last one's.
export function parseTombstone({ text }) {
  const match = /^(.+)\ntombstone\nsegments 1 (\d+) ([0-9a-f]{32})\nreason (age|size)\ntime (\S+)\n$/.exec(text);
  return match === null ? undefined : { origin: match[1], last: Number(match[2]), id: match[3] };
}

// The notes of a directory in which checkpoints are kept.
export function readCheckpoints(directory) {
  const names = readdirSync(directory).filter((name) => name.endsWith('.checkpoints')).sort();
  return names.flatMap((name) => notesIn(join(directory, name)));
}

// A signature that a crash cut, or of another kind, is passed over, and so is a note that has no other.
const notesIn = (file) => parseNotes(readFileSync(file, 'utf8')).flatMap(({ text, signatures }) => {
  const whole = signatures.filter(({ signature }) => signature.length >= signatureSize);
  return whole.length > 0 ? [{ text, signatures: whole }] : [];
});

// The last note of such a file.
export function lastNoteIn(file) {
  const note = notesIn(file).at(-1);
  if (note === undefined) throw new Error(`${file} holds no checkpoint`);
  return note;
}

// The note that a frame carries in the clear, as its one part; undefined when it carries none.
export function noteIn({ parts }) {
  const [{ type, flags, key, step, sealed } = {}] = parts;
  const inTheClear = type === types.signedNote && flags === 0 && key === notEncrypted && step === 0;
  const notes = inTheClear && parts.length === 1 ? parseNotes(sealed.toString()) : [];
  return notes.length === 1 ? notes[0] : undefined;
}
