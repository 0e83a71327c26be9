// Clients of the SDK against `holdfast mcp`: eight at once, two of whose servers are killed on the
// way, must each find every observation that was acknowledged to any of them; over HTTP, who
// subscribed at one server is told what another has written.
//
// Usage: node observation_clients.mjs MODULES PROGRAM SCRATCH
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { CLIENTS, connectTo, contend, holdfast, report, start, updated } from './clients.mjs';

const EACH = 200;

async function contents(peer) {
  const found = new Set();
  for (let after; ;) {
    const { structuredContent: page } = await peer.call('history', {
      action: 'recent', limit: 500, max_tokens: 100_000, ...(after ? { after } : {}) });
    for (const { preview } of page.entries) found.add(preview);
    if (!page.more) return found;
    after = page.next;
  }
}

async function contendForObservations() {
  const result = await contend({
    begin: () => start(holdfast('many')),
    each: EACH,
    write: (peer, i, text) => peer.call('remember', { content: text }),
    read: contents,
  });
  report('observations', result);
  assert.deepEqual(result, { acknowledged: CLIENTS * EACH, present: CLIENTS * EACH, errors: 0 });
  const peer = await start(holdfast('many'));
  const { structuredContent } = await peer.call('recall', { query: '"client 7 says 199"' });
  assert.equal(structuredContent.hits[0].text, 'client 7 says 199');
  await peer.client.close();
}

// An HTTP server on a free port.
async function serve() {
  const { command, args } = holdfast('http', '--http', '--port', '0');
  const server = spawn(command, ['--json', ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [line] = await once(createInterface({ input: server.stdout }), 'line');
  return { server, url: `http://127.0.0.1:${JSON.parse(line).port}/mcp` };
}

async function tellOverHttp() {
  const servers = [await serve(), await serve()];
  const [listening, writing] = await Promise.all(servers.map(({ url }) => connectTo(url)));
  const uri = 'holdfast://recent';
  await writing.call('remember', { content: 'before' });
  const told = updated(listening);
  await listening.client.subscribeResource({ uri });
  await writing.call('remember', { content: 'behind' });
  assert.equal(await told, uri);
  const { contents: [{ text }] } = await listening.client.readResource({ uri });
  assert.match(text, /behind/);
  for (const { client } of [listening, writing]) await client.close();
  for (const { server } of servers) {
    const ended = once(server, 'exit');
    server.kill('SIGTERM');
    assert.deepEqual(await ended, [0, null]);
  }
  console.log('a subscriber at another HTTP server was told');
}

await contendForObservations();
await tellOverHttp();
