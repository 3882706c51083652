// Post-quantum key exchange with another build of OpenSSL at both ends: a Node that brings its own is the client and
// the model server, and the gateway between them refuses whatever is not X25519MLKEM768.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import tls from 'node:tls';
import OpenAI from 'openai';
import { eventually, messages, token, url } from './clients.mjs';

const hybrid = 'X25519MLKEM768';
const sallyport = (...words) => execFileSync(process.env.SALLYPORT_BINARY, words, { encoding: 'utf8' });
const config = process.env.SALLYPORT_CONFIG;
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: token, maxRetries: 0 });

async function chat() {
  const stream = await client.chat.completions.create({ model: 'llama', messages, stream: true });
  let words = '';
  for await (const event of stream) words += event.choices[0]?.delta?.content ?? '';
  return words;
}

// What a handshake that offers these groups alone comes to: its error's code, or '' when it succeeds.
function handshake(ecdhCurve) {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const ca = readFileSync(process.env.NODE_EXTRA_CA_CERTS);
    const socket = tls.connect({ host: '127.0.0.1', port, servername: hostname, ca, ecdhCurve });
    socket.on('secureConnect', () => resolve('')).on('error', (error) => resolve(error.code));
    socket.on('close', () => socket.destroy()).on('secureConnect', () => socket.end());
  });
}

const modelServerTakes = async (groups) => {
  const answer = await fetch(`${url}/_stats?groups=${groups}`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal((await answer.json()).groups, groups);
};

test('this Node has an OpenSSL of its own', () => assert.equal(process.config.variables.node_shared_openssl, false));

test('with both in their default settings, the record, the metrics and status name it for both sides', async () => {
  assert.equal(await chat(), 'From Node.');
  const records = () => {
    const lines = sallyport('log', 'cat', '--json', '--key', process.env.SALLYPORT_AUDITOR_KEY, process.env.SALLYPORT_LOG);
    return lines.trim().split('\n').map((line) => JSON.parse(line));
  };
  let record;
  assert.ok(await eventually(() => (record = records().find((each) => each.model === 'llama')) !== undefined));
  assert.equal(record.client_key_exchange, hybrid);
  assert.equal(record.upstream_key_exchange, hybrid);
  const groups = JSON.parse(sallyport('status', '--json', '--config', config)).key_exchanges;
  assert.deepEqual(Object.keys(groups), [hybrid]);
  assert.ok(groups[hybrid].clients >= 1 && groups[hybrid].upstreams >= 1);
  const metrics = await (await fetch(`${process.env.SALLYPORT_ADMIN}/metrics`)).text();
  for (const side of ['client', 'upstream']) {
    assert.match(metrics, new RegExp(`sallyport_key_exchanges_total{side="${side}",group="${hybrid}"} [1-9]`));
  }
});

test('a client that offers it alone is taken, one that does not is refused and counted', async () => {
  assert.equal(await handshake(hybrid), '');
  assert.notEqual(await handshake('X25519'), '');
  assert.notEqual(await handshake('P-256:P-384'), '');
  const metrics = await (await fetch(`${process.env.SALLYPORT_ADMIN}/metrics`)).text();
  assert.match(metrics, /sallyport_handshakes_total{outcome="key_exchange_refused"} 2/);
});

test('a model server that takes it alone is called, one that does not have it is not', async () => {
  await modelServerTakes(hybrid);
  assert.equal(await chat(), 'From Node.');
  await modelServerTakes('X25519');
  await assert.rejects(chat(), { status: 502 });
});
