// A model server by Node, with the OpenSSL that Node brings, over mutual TLS 1.3:
// model_server.mjs --port 0 --cert FILE --key FILE --client-ca FILE
//
// It answers every chat with three words. GET /_stats?groups=X25519 has it take no other key exchange from then on; it
// says which one it would and ends the connection.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { parseArgs } from 'node:util';

const text = { type: 'string' };
const { values } = parseArgs({ options: { port: text, cert: text, key: text, 'client-ca': text } });
const identity = {
  cert: readFileSync(values.cert),
  key: readFileSync(values.key),
  ca: readFileSync(values['client-ca']),
  minVersion: 'TLSv1.3',
};

const server = createServer({ ...identity, requestCert: true, rejectUnauthorized: true }, (request, response) => {
  const url = new URL(request.url, 'https://localhost');
  if (url.pathname === '/_stats') {
    const groups = url.searchParams.get('groups');
    server.setSecureContext({ ...identity, ecdhCurve: groups });
    response.setHeader('connection', 'close');
    return response.end(JSON.stringify({ groups }));
  }
  request.resume().on('end', () => {
    response.setHeader('content-type', 'text/event-stream');
    for (const content of ['From', ' Node', '.']) {
      const event = { object: 'chat.completion.chunk', choices: [{ index: 0, delta: { content } }] };
      response.write(`data: ${JSON.stringify(event)}\n\n`);
    }
    response.end('data: [DONE]\n\n');
  });
});
server.listen(Number(values.port), '127.0.0.1', () => {
  console.log(`listening on https://127.0.0.1:${server.address().port}`);
});
