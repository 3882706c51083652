// The official Anthropic SDK, used as its users use it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { embedOnly, eventually, messages, modelServerStats, refusal, reply, token, twoAMinute, url } from './clients.mjs';

const client = (apiKey = token) => new Anthropic({ baseURL: url, apiKey, maxRetries: 0 });
const ask = { model: 'llama', max_tokens: 100, messages };

test('a plain message', async () => {
  const answer = await client().messages.create(ask);
  assert.equal(answer.content[0].text, reply);
  assert.ok(answer.usage.output_tokens > 0);
});

test('a streamed message', async () => {
  const stream = client().messages.stream(ask);
  let text = '';
  stream.on('text', (word) => { text += word; });
  const message = await stream.finalMessage();
  assert.equal(text, reply);
  assert.equal(message.stop_reason, 'end_turn');
  assert.ok(message.usage.output_tokens > 0);
});

test('a bearer token works as well as x-api-key', async () => {
  const bearer = new Anthropic({ baseURL: url, authToken: token, apiKey: null, maxRetries: 0 });
  assert.equal((await bearer.messages.create(ask)).content[0].text, reply);
});

test("errors have Anthropic's shape", async () => {
  const wrongKey = await refusal(client('sp-wrong').messages.create(ask));
  assert.ok(wrongKey instanceof Anthropic.AuthenticationError);
  assert.equal(wrongKey.error.type, 'error');
  assert.equal(wrongKey.error.error.type, 'authentication_error');
  const unknown = await refusal(client().messages.create({ ...ask, model: 'nobody' }));
  assert.ok(unknown instanceof Anthropic.NotFoundError);
  assert.equal(unknown.error.error.type, 'not_found_error');
  const forbidden = await refusal(client(embedOnly).messages.create(ask));
  assert.ok(forbidden instanceof Anthropic.NotFoundError);
  assert.deepEqual(forbidden.error.error, unknown.error.error);
});

test("an error carries the request's id", async () => {
  const unknown = await refusal(client().messages.create({ ...ask, model: 'nobody' }));
  assert.match(unknown.requestID, /^[0-9a-f]{32}$/);
});

test('the models, one page after the other, and one of them', async () => {
  const names = [];
  for await (const model of client().models.list()) {
    assert.equal(model.type, 'model');
    assert.equal(model.display_name, model.id);
    assert.ok(Date.parse(model.created_at) > 0);
    names.push(model.id);
  }
  assert.ok(names.includes('llama'));
  assert.equal((await client().models.retrieve('llama')).type, 'model');
});

test('a spent allowance is a RateLimitError', async () => {
  let error;
  for (let i = 0; i < 3; ++i) error = await client(twoAMinute).messages.create(ask).then(() => null, (e) => e);
  assert.ok(error instanceof Anthropic.RateLimitError);
  assert.equal(error.error.error.type, 'rate_limit_error');
  assert.ok(Number(error.headers.get('retry-after')) > 0);
});

test('an abort in mid-stream reaches the model server', async () => {
  const before = (await modelServerStats()).cancelled;
  const stream = client().messages.stream({ ...ask, messages: [{ role: 'user', content: 'word '.repeat(100) }] });
  for await (const event of stream) {
    if (event.type === 'content_block_delta') break;
  }
  stream.abort();
  assert.ok(await eventually(async () => (await modelServerStats()).cancelled === before + 1));
});
