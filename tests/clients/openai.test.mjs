// The official OpenAI SDK, used as its users use it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { embedOnly, eventually, messages, modelServerStats, refusal, reply, token, twoAMinute, url } from './clients.mjs';

const client = (apiKey = token) => new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 });

test('a plain chat', async () => {
  const answer = await client().chat.completions.create({ model: 'llama', messages });
  assert.equal(answer.choices[0].message.content, reply);
  assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
});

// Milliseconds from the first word to the last.
async function streamingTime() {
  const stream = await client().chat.completions.create({ model: 'gpt-4o', messages, stream: true });
  let text = '';
  const arrivals = [];
  for await (const event of stream) {
    const word = event.choices[0]?.delta?.content;
    if (word) arrivals.push(performance.now());
    text += word ?? '';
    assert.equal(event.usage ?? null, null, 'usage was not asked for');
  }
  assert.equal(text, reply);
  return arrivals.at(-1) - arrivals[0];
}

test('a streamed chat arrives word by word', async () => {
  // The model server pauses 20 ms after each word: had they come together, this would be near zero. A client that is
  // kept waiting for a busy machine sees them together too, but not every time.
  assert.ok(await eventually(async () => (await streamingTime()) > 40), 'all words come together');
});

test('a streamed chat with usage, when asked', async () => {
  const stream = await client().chat.completions.create({
    model: 'llama', messages, stream: true, stream_options: { include_usage: true },
  });
  let usage;
  for await (const event of stream) usage = event.usage ?? usage;
  assert.equal(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens);
});

test('completions, plain and streamed', async () => {
  const plain = await client().completions.create({ model: 'llama', prompt: 'Hello' });
  assert.equal(plain.choices[0].text, 'You said: Hello');
  let text = '';
  for await (const event of await client().completions.create({ model: 'llama', prompt: 'Hello', stream: true })) {
    text += event.choices[0]?.text ?? '';
  }
  assert.equal(text, 'You said: Hello');
});

test('responses, plain and streamed', async () => {
  const plain = await client().responses.create({ model: 'llama', input: 'Hello' });
  assert.equal(plain.output_text, 'You said: Hello');
  let text = '';
  let last;
  for await (const event of await client().responses.create({ model: 'llama', input: 'Hello', stream: true })) {
    if (event.type === 'response.output_text.delta') text += event.delta;
    last = event;
  }
  assert.equal(text, 'You said: Hello');
  assert.equal(last.type, 'response.completed');
});

test('embeddings', async () => {
  const answer = await client().embeddings.create({ model: 'embed', input: ['one', 'two'], encoding_format: 'float' });
  assert.equal(answer.data.length, 2);
  assert.equal(answer.data[0].embedding.length, 8);
});

test('the models a token may call', async () => {
  const all = (await client().models.list()).data.map((model) => model.id);
  assert.ok(all.includes('llama') && all.includes('embed'));
  const some = (await client(embedOnly).models.list()).data.map((model) => model.id);
  assert.deepEqual(some, ['embed']);
  assert.equal((await client().models.retrieve('llama')).id, 'llama');
});

test('a wrong key is an AuthenticationError', async () => {
  const error = await refusal(client('sp-wrong').chat.completions.create({ model: 'llama', messages }));
  assert.ok(error instanceof OpenAI.AuthenticationError);
  assert.equal(error.status, 401);
  assert.equal(error.code, 'invalid_api_key');
  assert.ok(error.requestID);
});

test('an unknown model is a NotFoundError, and a forbidden one looks the same', async () => {
  const unknown = await refusal(client().chat.completions.create({ model: 'nobody', messages }));
  assert.ok(unknown instanceof OpenAI.NotFoundError);
  assert.equal(unknown.code, 'model_not_found');
  const forbidden = await refusal(client(embedOnly).chat.completions.create({ model: 'llama', messages }));
  assert.ok(forbidden instanceof OpenAI.NotFoundError);
});

test("the model server's own refusal passes unchanged", async () => {
  const error = await refusal(client().chat.completions.create({ model: 'broken', messages }));
  assert.ok(error instanceof OpenAI.NotFoundError);
  assert.match(error.message, /not loaded/);
});

test('a spent allowance is a RateLimitError that says how long to wait', async () => {
  let error;
  for (let i = 0; i < 3; ++i) {
    error = await client(twoAMinute).chat.completions.create({ model: 'llama', messages }).then(() => null, (e) => e);
  }
  assert.ok(error instanceof OpenAI.RateLimitError);
  assert.equal(error.code, 'rate_limit_exceeded');
  assert.ok(Number(error.headers.get('retry-after')) > 0);
  assert.equal(error.headers.get('x-ratelimit-limit-requests'), '2');
  assert.equal(error.headers.get('x-ratelimit-remaining-requests'), '0');
  assert.ok(error.headers.get('x-ratelimit-reset-requests'));
});

test('an abort in mid-stream reaches the model server', async () => {
  const before = (await modelServerStats()).cancelled;
  const stream = await client().chat.completions.create({
    model: 'llama', stream: true, messages: [{ role: 'user', content: 'word '.repeat(100) }],
  });
  for await (const event of stream) {
    if (event.choices[0]?.delta?.content) break; // leaving the loop aborts the request
  }
  assert.ok(await eventually(async () => (await modelServerStats()).cancelled === before + 1));
});
