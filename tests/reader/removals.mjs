// What the gateway says that it removed, as far as the key in hand proves who says so.
import { kinds, signerExtension } from './format.mjs';
import { noteIn, parseTombstone, signerOf, wrongWithSignature } from './notes.mjs';

// The last segment that a tombstone covers which can be believed; 0 without one. `segments` as surveyLog() gives them,
// `openings` as openAll() does.
export function lastRemoved(segments, openings) {
  const named = segments
    .map((segment, index) => ({ ...segment, keys: openings[index]?.keys }))
    .filter(({ number, header }) => header?.number === BigInt(number) && header.extensions.has(signerExtension));
  const believed = named
    .flatMap((segment) => tombstonesOf(segment).map((tombstone) => ({ ...tombstone, segment })))
    .filter((tombstone) => isFollowed(tombstone, segments))
    .sort((one, other) => other.last - one.last)
    .find(({ segment }) => named.some((other) => namesSame(other, segment) && isProven(other)));
  return believed?.last ?? 0;
}

// Those that the signer signed whom the segment's own header names.
function tombstonesOf({ number, header, walked }) {
  const signer = signerOf(header.origin, header.extensions.get(signerExtension));
  return walked.frames
    .filter(({ kind }) => kind === kinds.tombstone)
    .map(noteIn)
    .filter((note) => wrongWithSignature(note, [signer]) === undefined)
    .map(parseTombstone)
    .filter((tombstone) => tombstone?.origin === header.origin && tombstone.last < number);
}

// The segment behind those that went, where it is there, names the last of them as the one before it.
function isFollowed({ last, id }, segments) {
  const behind = segments.find(({ number }) => number === last + 1);
  return !behind?.header || behind.header.previous.id.toString('hex') === id;
}

const namesSame = ({ header: one }, { header: other }) => one.origin === other.origin &&
  one.extensions.get(signerExtension).equals(other.extensions.get(signerExtension));

// The segment's own key proves its header by the commitment. Who has a tenant's key alone could be shown it under another
// header; a part that opens there is bound to this one.
function isProven({ keys, walked }) {
  if (keys === undefined || keys.has(0)) return keys !== undefined;
  const fresh = keys.anew();
  return walked.frames.some((frame) => fresh.open(frame).parts.some(({ text }) => text !== undefined));
}
