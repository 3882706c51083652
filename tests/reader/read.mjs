#!/usr/bin/env node
// Reads a sealed log: read.mjs DIR [--key FILE] [--passphrase-file FILE]
//                      read.mjs DIR --verify [--key FILE] [--signer LINE] [--checkpoints DIR] [--since-checkpoint FILE]
//
// Without a key, or with --verify, it says what it finds, one JSON object a line, and ends with 1 when that is a
// problem. With a key it shows the exchanges: each record as it was sealed, where it stands, and both bodies, or the tenant
// who alone can open them; it ends with 1 when some place could not be read.
import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { readExchanges } from './exchanges.mjs';
import { KeyHolder } from './keys.mjs';
import { lastNoteIn, parseSigner, readCheckpoints } from './notes.mjs';
import { isProblem, verifyLog } from './verify.mjs';

const { values, positionals } = parseArgs({
  options: {
    key: { type: 'string' },
    'passphrase-file': { type: 'string' },
    verify: { type: 'boolean' },
    signer: { type: 'string', multiple: true, default: [] },
    checkpoints: { type: 'string' },
    'since-checkpoint': { type: 'string' },
  },
  allowPositionals: true,
});
const [directory] = positionals;
if (positionals.length !== 1) {
  console.error('read.mjs DIR [--key FILE] [--passphrase-file FILE] [--verify [--signer LINE] [--checkpoints DIR] ' +
    '[--since-checkpoint FILE]]');
  process.exit(2);
}

const passphrase = values['passphrase-file'] && readFileSync(values['passphrase-file'], 'utf8').split('\n')[0];
const holder = values.key && await KeyHolder.of(readFileSync(values.key), passphrase);
if (!holder || values.verify) {
  const kept = values.checkpoints ? readCheckpoints(values.checkpoints) : [];
  const since = values['since-checkpoint'] && lastNoteIn(values['since-checkpoint']);
  const findings = await verifyLog(directory, { holder, signers: values.signer.map(parseSigner), kept, since });
  for (const finding of findings) console.log(JSON.stringify({ ...finding, problem: isProblem(finding) }));
  process.exitCode = findings.some(isProblem) ? 1 : 0;
} else {
  const tell = (segment, finding) => {
    console.error(`segment ${segment}: ${finding}`);
    if (isProblem({ finding })) process.exitCode = 1;
  };
  for await (const exchange of readExchanges(directory, holder, tell)) console.log(lineOf(exchange));
}

// The record's text is passed on untouched, and the number of an exchange may be more than JSON.stringify can write.
function lineOf({ record, exchange, segment, finished, cut, damaged, sealedFor, request, response }) {
  const flags = `${cut ? ',"cut":true' : ''}${damaged ? ',"content_damaged":true' : ''}`;
  const more = `"exchange":${exchange},"segment":${segment},"finished":${finished}${flags}`;
  const bodies = `,${bodyOf('request_body', request)},${bodyOf('response_body', response)}`;
  const content = damaged ? '' : sealedFor !== undefined ? `,"content_sealed_for":${JSON.stringify(sealedFor)}` : bodies;
  return `${record.slice(0, -1)}${record === '{}' ? '' : ','}${more}${content}}`;
}

function bodyOf(name, pieces) {
  const bytes = Buffer.concat(pieces);
  if (isUtf8(bytes)) return `"${name}":${JSON.stringify(bytes.toString())}`;
  return `"${name}_base64":"${bytes.toString('base64')}"`;
}
