// Do the signed notes, in the log and in a second place, vouch for the log that was walked?
import { kinds, signerExtension } from './format.mjs';
import { noteIn, parseCheckpoint, parseTombstone, signerOf, wrongWithSignature } from './notes.mjs';

// {findings, tombstone}: of each segment the first finding only, and of the notes kept elsewhere that prove nothing;
// the tombstone of the most segments. `segments` as surveyLog() gives them. Without `signers` the log's own word counts.
// `kept` are notes from the second place; those of another origin than the log's are passed over.
export function auditNotes(segments, signers, kept, origin = originOf(segments)) {
  const walked = segments.filter((segment) => segment.walked);
  const trusted = signers.length > 0 ? signers : signersNamedBy(walked);
  const ours = kept.filter((note) => [origin, undefined].includes(parseCheckpoint(note)?.origin));
  const wrong = ours.map((note) => wrongWithKept(note, trusted));
  const findings = [
    ...walked.flatMap((segment) => judgeOwn(segment, trusted)),
    ...judgeKept(segments, ours.filter((note, index) => !wrong[index]).map(parseCheckpoint)),
    ...(trusted.length > 0 ? findUnsigned(walked) : []),
  ];
  const tombstones = walked.flatMap((segment) => segment.tombstones).sort((one, other) => other.last - one.last);
  const isFirst = ({ segment }, index) => findings.findIndex((other) => other.segment === segment) === index;
  const proveNothing = wrong.filter(Boolean).slice(0, 1);
  return { findings: [...findings.filter(isFirst), ...proveNothing], tombstone: tombstones[0] };
}

const originOf = (segments) => segments.find(({ header }) => header)?.header.origin;

const signersNamedBy = (walked) => walked
  .filter(({ inPlace, header }) => inPlace && header.extensions.has(signerExtension))
  .map(({ header }) => signerOf(header.origin, header.extensions.get(signerExtension)));

// `vouchedFrames` becomes how many of the segment's frames a checkpoint vouches for.
function vouch(segment, frames) {
  segment.vouchedFrames = Math.max(segment.vouchedFrames ?? 0, frames);
}

// Takes in the notes that stand in the segment: what they vouch for, and its `tombstones`.
function judgeOwn(segment, signers) {
  const findings = [];
  segment.tombstones = [];
  for (const [index, frame] of segment.walked.frames.entries()) {
    if (frame.kind !== kinds.checkpoint && frame.kind !== kinds.tombstone) continue;
    const note = noteIn(frame);
    const take = frame.kind === kinds.checkpoint ? takeCheckpoint : takeTombstone;
    const finding = wrongWithSignature(note, signers) ?? (take(note, segment, index) ? undefined : 'fork');
    if (finding) findings.push({ finding, segment: segment.number, frame: index, byte: frame.offset });
  }
  return findings;
}

function takeCheckpoint(note, segment, index) {
  const fits = statesPlace(parseCheckpoint(note), segment, index);
  if (fits) vouch(segment, index);
  return fits;
}

function takeTombstone(note, segment) {
  const tombstone = parseTombstone(note);
  const fits = tombstone?.origin === segment.header.origin && tombstone.last < segment.number;
  if (fits) segment.tombstones.push(tombstone);
  return fits;
}

// A checkpoint states its segment as it is after so many frames.
function statesPlace(checkpoint, segment, frames) {
  const { offset, chainBefore } = placeAfter(segment, frames);
  return checkpoint !== undefined && checkpoint.origin === segment.header.origin &&
    checkpoint.segment === segment.number && checkpoint.id === segment.header.id.toString('hex') &&
    checkpoint.frames === frames && checkpoint.bytes === offset && checkpoint.chain.equals(chainBefore);
}

const placeAfter = ({ walked: { frames, end, chain } }, count) => frames[count] ?? { offset: end, chainBefore: chain };

// Notes that are kept elsewhere, held against the places that they speak of. Of a segment that is missing in the
// middle, and of frames behind damage, other verdicts speak.
function judgeKept(segments, checkpoints) {
  const last = Math.max(...segments.filter(({ bytes }) => bytes).map(({ number }) => number));
  const findings = [];
  const behind = checkpoints.map(({ segment }) => segment).filter((number) => number > last);
  for (const checkpoint of checkpoints) {
    const segment = segments.find(({ number }) => number === checkpoint.segment);
    if (segment?.walked) findings.push(...judgePlace(checkpoint, segment));
  }
  if (behind.length > 0) findings.push({ finding: 'rolled-back', segment: Math.max(...behind) });
  return findings;
}

// Undefined for a genuine checkpoint.
function wrongWithKept(note, signers) {
  const checkpoint = parseCheckpoint(note);
  const finding = wrongWithSignature(note, signers) ?? (checkpoint ? undefined : 'fork');
  return finding && { finding, segment: checkpoint?.segment ?? 0 };
}

function judgePlace(checkpoint, segment) {
  const { frames, tail } = segment.walked;
  const reached = Math.min(checkpoint.frames, frames.length);
  const damaged = tail !== undefined && tail !== 'torn';
  if (reached < checkpoint.frames && damaged) return [];
  if (statesPlace(checkpoint, segment, reached)) {
    vouch(segment, reached);
    return [];
  }
  const finding = reached < checkpoint.frames ? 'rolled-back' : 'fork';
  return [{ finding, segment: segment.number, frame: reached, byte: placeAfter(segment, reached).offset }];
}

// A checkpoint vouches for its segment up to itself, and for every segment before that its header's account leads to.
function findUnsigned(walked) {
  const findings = [];
  let successor;
  for (const segment of [...walked].reverse()) {
    const { frames, sealed, end } = segment.walked;
    const byItself = segment.vouchedFrames !== undefined;
    const byNext = successor?.vouched && successor.header.previous.id.equals(segment.header.id);
    segment.vouched = byItself || byNext;
    // Behind the last checkpoint only segment_end may stand.
    const enough = byNext || (byItself && (!sealed || segment.vouchedFrames >= frames.length - 2));
    if (!enough) findings.push({ finding: 'unsigned', segment: segment.number, frame: frames.length, byte: end });
    successor = segment;
  }
  return findings;
}
