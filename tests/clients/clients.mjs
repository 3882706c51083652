// What the tests share: where the gateway is (with_gateway.cpp says), and the model server's own count of what it saw.
export const url = process.env.SALLYPORT_URL;
export const token = process.env.TOKEN;
export const embedOnly = process.env.TOKEN_EMBED_ONLY;
export const twoAMinute = process.env.TOKEN_TWO_A_MINUTE;
export const messages = [{ role: 'user', content: 'Good morning, gate.' }];
export const reply = 'You said: Good morning, gate.';

// {connections, requests, cancelled, writing}
export async function modelServerStats() {
  const answer = await fetch(`${url}/_stats`, { headers: { authorization: `Bearer ${token}` } });
  return answer.json();
}

// True as soon as `holds` is, false after five seconds.
export async function eventually(holds) {
  for (const end = Date.now() + 5000; Date.now() < end; ) {
    if (await holds()) return true;
    await new Promise((resume) => setTimeout(resume, 20));
  }
  return false;
}

export async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it was not refused');
}
