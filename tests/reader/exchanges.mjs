// The exchanges of a log, put together again from the frames of all its segments.
import { isTenantKey, kinds, types } from './format.mjs';
import { lastRemoved } from './removals.mjs';
import { isProblem, openAll, surveyLog } from './verify.mjs';

const withRecord = [kinds.exchange, kinds.end];
const withoutRecord = [kinds.begin, kinds.data];

// Yields {record, exchange, segment, finished, cut, damaged, sealedFor, request, response} in the order of the records, `record`
// being the text that was sealed and `segment` where it stands; then what began and never ended, with the note of its
// beginning in the record's place and the segment that has its last piece. Bodies come in pieces; `cut` says that some
// may be missing, because not all that stands between the beginning and the end was read; `damaged` says that
// not all of them is authentic; `sealedFor` names the tenant under whose key they are, where the holder has not that.
// With a tenant's key alone the others' are passed over. `tell(segment, finding)` hears of what cannot be read, from the first segment on that is there.
export async function* readExchanges(directory, holder, tell = () => {}) {
  const begun = new Map();
  let hole = false;
  const all = surveyLog(directory);
  const segments = all.slice(all.findIndex(({ bytes }) => bytes));
  const openings = await openAll(segments, holder);
  const removed = lastRemoved(segments, openings);
  for (const [index, segment] of segments.entries()) {
    const { keys, missesSome } = openings[index] ?? {};
    hole ||= missesSome === true;
    const trouble = troubleWith(segment, openings[index]);
    const findings = [...segment.findings.map(({ finding }) => finding), ...(trouble ? [trouble] : [])];
    const went = (finding) => segment.number <= removed && ['missing', 'keys-missing'].includes(finding);
    for (const finding of findings) tell(segment.number, went(finding) ? 'removed' : finding);
    for (const frame of keys ? segment.walked.frames : []) {
      const { parts, genuine } = keys.open(frame);
      if (!genuine) tell(segment.number, 'forged');
      if (parts.length === 0 && !keys.has(0)) {
        hole ||= !genuine;
        continue;
      }
      if (hole) for (const exchange of begun.values()) exchange.cut = true;
      hole = lacksText(frame, parts);
      const exchange = !hole && takeIn(frame, parts, genuine, begun, segment, keys);
      if (exchange) yield exchange;
    }
    hole ||= (!keys && trouble !== undefined) || segment.findings.some(isProblem);
  }
  yield* begun.values();
}

function troubleWith({ header, hasBlock, block }, opening) {
  if (!header) return undefined;
  if (!block) return hasBlock ? 'keys-malformed' : 'keys-missing';
  return block.id.equals(header.id) ? opening.trouble : 'keys-foreign';
}

// Whether there is no telling what the frame says.
const lacksText = ({ kind }, parts) => kind <= kinds.segmentEnd &&
  !parts.some(({ type, text }) => (kind === kinds.data || [types.record, types.note].includes(type)) && text !== undefined);

// Adds a frame to its exchange, and gives that exchange once it has its record.
function takeIn(frame, parts, genuine, begun, { number, header }, keys) {
  if (!withRecord.includes(frame.kind) && !withoutRecord.includes(frame.kind)) return undefined;
  const exchange = begun.get(frame.number) ?? startedBy(frame);
  exchange.segment = number;
  exchange.sealedFor ??= sealedFor(frame, header, keys);
  exchange.damaged ||= !genuine;
  for (const { type, text } of parts) {
    if (text === undefined) continue;
    if (type === types.requestBody) exchange.request.push(text);
    else if (type === types.responseBody) exchange.response.push(text);
    else if (frame.kind !== kinds.data) exchange.record = text.toString();
  }
  begun.set(frame.number, exchange);
  if (withoutRecord.includes(frame.kind)) return undefined;
  begun.delete(frame.number);
  return { ...exchange, finished: true };
}

// The tenant whose key seals a body in this frame and is not here.
function sealedFor(frame, { tenants }, keys) {
  const bodies = frame.parts.filter(({ type }) => type === types.requestBody || type === types.responseBody);
  const closed = bodies.find(({ key }) => isTenantKey(key) && !keys.has(key));
  return closed && tenants.find((tenant) => tenant.number === closed.key)?.name;
}

function startedBy({ kind, number }) {
  const cut = kind === kinds.data || kind === kinds.end;
  return { exchange: number, finished: false, cut, damaged: false, record: '{}', request: [], response: [] };
}
