// Is this log what was written? The verdicts of docs/log-format.md.
import { auditNotes } from './audit.mjs';
import { ends, kinds, tenantKeyState } from './format.mjs';
import { markMisses, openSegment, settleTenants } from './keys.mjs';
import { parseCheckpoint } from './notes.mjs';
import { isBeingWritten, listSegments, walk } from './segments.mjs';

const harmless = new Set(['torn-declared', 'gap-declared', 'open', 'removed', 'erased']);
export const isProblem = ({ finding }) => !harmless.has(finding);

// All findings: [{finding, segment, frame?, byte?}]. With a `holder` every frame is opened too; `signers` say whose
// checkpoints count, `kept` are those of the second place (notes.mjs), and `since` is one at which to begin.
export async function verifyLog(directory, { holder, signers = [], kept = [], since } = {}) {
  const from = since && parseCheckpoint(since);
  if (since && !from) throw new Error('this is no checkpoint to begin at');
  const segments = surveyLog(directory, from);
  const { findings, tombstone } = auditNotes(segments, signers, since ? [...kept, since] : kept, from?.origin);
  if (tombstone && tombstone.last >= (from?.segment ?? 1)) findings.push(...judgeRemoval(segments, tombstone));
  const openings = await openAll(segments, holder);
  for (const [index, segment] of segments.entries()) {
    const found = [...segment.findings, ...(segment.header ? judgeKeys(segment, openings[index]) : [])];
    findings.push(...found.map((one) => ({ segment: segment.number, ...one })));
  }
  // What is left of removed segments while they are being removed, key blocks first.
  const remains = ({ finding, segment }) => segment <= tombstone?.last && ['missing', 'keys-missing'].includes(finding);
  return findings.filter((one) => !remains(one));
}

// The writer's own signed word that the first segments are gone.
function judgeRemoval(segments, { last, id }) {
  const next = segments.find(({ number, inPlace }) => inPlace && number === last + 1);
  const linked = next === undefined || next.header.previous.id.toString('hex') === id;
  const found = [{ segment: last, finding: 'removed' }];
  return linked ? found : [...found, { segment: last + 1, finding: 'wrong-link' }];
}

// The segments as listSegments() gives them, those with a header also `walked`, each with its `findings`: [{finding,
// frame?, byte?}]. Takes no key. With `from`, a checkpoint, its segment is the first.
export function surveyLog(directory, from) {
  const beingWritten = isBeingWritten(directory);
  const segments = listSegments(directory, from?.segment, beingWritten);
  const origin = from?.origin ?? segments.find(({ header }) => header)?.header.origin;
  const ids = new Set();
  for (const segment of segments) {
    segment.findings = misfitsOf(segment, origin, ids).map((finding) => ({ finding }));
    segment.inPlace = segment.findings.length === 0;
  }
  for (const [index, segment] of segments.entries()) {
    if (!segment.header) continue;
    const [before, successor] = [segments[index - 1], segments[index + 1]];
    const account = successor?.inPlace && follows(successor, segment) ? successor.header.previous : undefined;
    // What stands behind a torn end was never vouched for, and may stand in the successor too.
    segment.walked = walk(segment, account?.end === ends.torn ? Number(account.frames) : Infinity);
    if (segment.inPlace && !linkHolds(segment, before)) segment.findings.push({ finding: 'wrong-link' });
    const open = beingWritten && successor === undefined;
    segment.findings.push(...declaredGaps(segment.walked), ...judgeEnd(segment.walked, account, open));
  }
  return segments;
}

// What is wrong with a file under this name, before its frames are looked at.
function misfitsOf({ number, bytes, header }, origin, ids) {
  if (bytes === undefined) return ['missing'];
  if (header === undefined) return ['unreadable'];
  const misfits = [];
  const id = header.id.toString('hex');
  if (header.origin !== origin) misfits.push('foreign');
  if (header.number !== BigInt(number)) misfits.push('misplaced');
  if (ids.has(id)) misfits.push('duplicated');
  ids.add(id);
  return misfits;
}

function linkHolds(segment, before) {
  if ((segment.number === 1) !== (segment.header.previous.end === ends.none)) return false;
  return !before?.inPlace || follows(segment, before);
}

const follows = ({ header }, before) => header.previous.id.equals(before.header.id);

function declaredGaps({ frames }) {
  return frames
    .filter(({ kind }) => kind === kinds.declaredGap)
    .map(({ sequence, offset }) => ({ finding: 'gap-declared', frame: Number(sequence), byte: offset }));
}

// The segment's end, held against the `account` that its successor gives of it, if it has one.
function judgeEnd({ frames, end, chain, sealed, tail }, account, open) {
  const at = (finding) => [{ finding, frame: frames.length, byte: end }];
  if (tail !== undefined && tail !== 'torn') return at(tail);
  if (account === undefined) return sealed ? [] : at(open ? 'open' : tail ?? 'unsealed');
  if (BigInt(frames.length) < account.frames) return at('truncated');
  const torn = account.end === ends.torn;
  const asDeclared = BigInt(end) === account.size && chain.equals(account.chain) && (sealed || torn);
  if (!asDeclared) return [{ finding: 'altered' }];  // rewritten, and nothing tells where
  return torn ? at('torn-declared') : [];
}

// What the holder opens of each segment, as openSegment() gives it; undefined where there is nothing to open.
export async function openAll(segments, holder) {
  const isReadable = ({ header, block }) => holder && header && block?.id.equals(header.id);
  const openings = [];
  for (const segment of segments) {
    openings.push(isReadable(segment) ? await openSegment(segment.header, segment.block, holder) : undefined);
  }
  settleTenants(openings);
  markMisses(openings);
  return openings;
}

function judgeKeys({ header, hasBlock, block, walked }, opening) {
  if (!hasBlock) return [{ finding: 'keys-missing' }];
  if (block === undefined) return [{ finding: 'keys-malformed' }];
  if (!block.id.equals(header.id)) return [{ finding: 'keys-foreign' }];
  const states = header.tenants.map((tenant) => tenantKeyState(block, tenant));
  const { keys, trouble } = opening ?? {};
  const forged = keys && walked.frames.find((frame) => !keys.open(frame).genuine);
  return [
    ...(trouble ? [{ finding: trouble }] : []),
    ...states.filter((state) => state === 'erased').map((finding) => ({ finding })),
    ...states.filter((state) => state === 'missing').map(() => ({ finding: 'keys-missing' })),
    ...(forged ? [{ finding: 'forged', frame: Number(forged.sequence), byte: forged.offset }] : []),
  ];
}
