// The exchanges of a log, put together again from the frames of all its segments.
import { kinds, types } from './format.mjs';
import { openSegment } from './keys.mjs';
import { isProblem, surveyLog } from './verify.mjs';

const withRecord = [kinds.exchange, kinds.end];
const withoutRecord = [kinds.begin, kinds.data];

// Yields {record, exchange, segment, finished, cut, request, response} in the order of the records, `record` being the
// text that was sealed and `segment` where it stands; then what began and never ended, with the note of its beginning
// in the record's place and the segment that has its last piece. Bodies come in pieces; `cut` says that some may be
// missing, because not all that stands between the beginning and the end was read. `tell(segment, finding)` hears of
// what cannot be read, from the first segment on that is there.
export async function* readExchanges(directory, holder, tell = () => {}) {
  const begun = new Map();
  let hole = false;
  const segments = surveyLog(directory);
  for (const segment of segments.slice(segments.findIndex(({ bytes }) => bytes))) {
    const { keys, trouble } = await keysOf(segment, holder);
    const findings = [...segment.findings.map(({ finding }) => finding), ...(trouble ? [trouble] : [])];
    for (const finding of findings) tell(segment.number, finding);
    for (const frame of keys ? segment.walked.frames : []) {
      const parts = keys.open(frame);
      if (parts === undefined) tell(segment.number, 'forged');
      if (parts === undefined || hole) for (const exchange of begun.values()) exchange.cut = true;
      hole = false;
      const exchange = parts && takeIn(frame, parts, begun, segment.number);
      if (exchange) yield exchange;
    }
    hole ||= !keys || segment.findings.some(isProblem);
  }
  yield* begun.values();
}

async function keysOf({ header, hasBlock, block }, holder) {
  if (!header) return {};
  if (!block) return { trouble: hasBlock ? 'keys-malformed' : 'keys-missing' };
  return openSegment(header, block, holder);
}

// Adds a frame to its exchange, and gives that exchange once it has its record.
function takeIn(frame, parts, begun, segment) {
  if (!withRecord.includes(frame.kind) && !withoutRecord.includes(frame.kind)) return undefined;
  const exchange = begun.get(frame.number) ?? startedBy(frame);
  exchange.segment = segment;
  for (const { type, text } of parts) {
    if (type === types.requestBody) exchange.request.push(text);
    else if (type === types.responseBody) exchange.response.push(text);
    else exchange.record = text.toString();
  }
  begun.set(frame.number, exchange);
  if (withoutRecord.includes(frame.kind)) return undefined;
  begun.delete(frame.number);
  return { ...exchange, finished: true };
}

function startedBy({ kind, number }) {
  const cut = kind === kinds.data || kind === kinds.end;
  return { exchange: number, finished: false, cut, record: '{}', request: [], response: [] };
}
