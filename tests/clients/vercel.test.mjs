// The Vercel AI SDK with its OpenAI-compatible provider.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { embedMany, generateText, streamText } from 'ai';
import { refusal, reply, token, url } from './clients.mjs';

const provider = (apiKey = token) => createOpenAICompatible({ name: 'sallyport', baseURL: `${url}/v1`, apiKey, includeUsage: true });
const prompt = 'Good morning, gate.';

test('generateText', async () => {
  const { text, usage } = await generateText({ model: provider()('llama'), prompt });
  assert.equal(text, reply);
  assert.ok(usage.totalTokens > 0);
});

test('streamText', async () => {
  const result = streamText({ model: provider()('llama'), prompt });
  const pieces = [];
  for await (const piece of result.textStream) pieces.push(piece);
  assert.equal(pieces.join(''), reply);
  assert.ok(pieces.length > 2, 'it came in pieces');
  assert.equal(await result.finishReason, 'stop');
  assert.ok((await result.usage).totalTokens > 0);
});

test('embedMany', async () => {
  const { embeddings } = await embedMany({ model: provider().textEmbeddingModel('embed'), values: ['one', 'two'] });
  assert.equal(embeddings.length, 2);
});

test('an error carries status and message', async () => {
  const error = await refusal(generateText({ model: provider()('nobody'), prompt, maxRetries: 0 }));
  assert.equal(error.statusCode, 404);
  assert.match(error.message, /does not exist/);
});
