// Clients of the protocol's SDK, and eight of them at once: for the scripts of sdk_clients_test.py.
import path from 'node:path';
import { pathToFileURL } from 'node:url';

export const [modules, program, scratch] = process.argv.slice(2);
const sdk = path.join(modules, '@modelcontextprotocol/sdk/dist/esm/client');
const load = (name) => import(pathToFileURL(path.join(sdk, name)));
const { Client } = await load('index.js');
const { StdioClientTransport } = await load('stdio.js');
const { StreamableHTTPClientTransport } = await load('streamableHttp.js');

export const CLIENTS = 8;
const KILLED = 2;

async function connect(transport) {
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(transport);
  return { client, pid: transport.pid, call: (tool, args) =>
    client.callTool({ name: tool, arguments: args }) };
}

// A client with a server of its own: `parameters` are { command, args, env }.
export const start = (parameters) =>
  connect(new StdioClientTransport({ ...parameters, stderr: 'ignore' }));

export const connectTo = (url) => connect(new StreamableHTTPClientTransport(new URL(url)));

// The arguments of `holdfast mcp` on the store of this run.
export const holdfast = (space, ...more) => ({
  command: program,
  args: ['--store', path.join(scratch, 'store'), '--space', space, 'mcp', ...more],
});

// Resolves with the URI of the next notifications/resources/updated.
export const updated = ({ client }) => new Promise((resolve) => {
  client.fallbackNotificationHandler = async ({ method, params }) => {
    if (method === 'notifications/resources/updated') resolve(params.uri);
  };
});

// Eight clients with a server each call `write(peer, client, text)` `each` times, all at once; the
// servers of two are killed on the way, in the middle of what they do, and started again. Returns
// what was acknowledged, how many of these every client still has by `read(peer)`, and the errors.
export async function contend({ begin, write, read, each }) {
  const acknowledged = new Set();
  let errors = 0;
  async function run(i) {
    let peer = await begin();
    for (let number = 0; number < each; ++number) {
      const text = `client ${i} says ${number}`;
      if (i < KILLED && number === Math.floor(each / 2)) {
        const lost = write(peer, i, `client ${i} dies`).catch(() => {});
        process.kill(peer.pid, 'SIGKILL');
        await lost;
        await peer.client.close().catch(() => {});
        peer = await begin();
      }
      const answer = await write(peer, i, text).catch(() => ({ isError: true }));
      if (answer.isError) ++errors;
      else acknowledged.add(text);
    }
    return peer;
  }
  const peers = await Promise.all([...Array(CLIENTS).keys()].map(run));
  let present = acknowledged.size;
  for (const peer of peers) {
    const found = await read(peer).catch(() => new Set());
    present = Math.min(present, [...acknowledged].filter((text) => found.has(text)).length);
    await peer.client.close();
  }
  return { acknowledged: acknowledged.size, present, errors };
}

export function report(name, { acknowledged, present, errors }) {
  console.log(`${name}: ${CLIENTS} clients, ${acknowledged} acknowledged, ${present} present, ` +
              `${acknowledged - present} lost, ${errors} errors`);
}
