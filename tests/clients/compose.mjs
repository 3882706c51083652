// One streamed chat with OpenAI's SDK, for tests/docker/compose_test: compose.mjs BASE_URL, with TOKEN in the environment.
import assert from 'node:assert/strict';
import OpenAI from 'openai';

const client = new OpenAI({ baseURL: process.argv[2], apiKey: process.env.TOKEN, maxRetries: 0 });
const stream = await client.chat.completions.create({
  model: 'llama',
  messages: [{ role: 'user', content: 'Good morning, gate.' }],
  stream: true,
});
const words = [];
for await (const event of stream) if (event.choices[0]?.delta?.content) words.push(event.choices[0].delta.content);
assert.equal(words.join(''), 'You said: Good morning, gate.');
assert.ok(words.length > 3);
