// Clients of the SDK against `holdfast mcp --tools server-memory` and against the reference memory
// server: the same calls must be answered alike, and eight clients at once, two of whose servers are
// killed on the way, must lose nothing that was acknowledged.
//
// Usage: node memory_server_clients.mjs MODULES PROGRAM SCRATCH
import assert from 'node:assert/strict';
import path from 'node:path';
import { CLIENTS, contend, holdfast, modules, report, scratch, start, updated } from './clients.mjs';

const servers = {
  holdfast: (name) => holdfast(name, '--tools', 'server-memory'),
  reference: (name) => ({
    command: process.execPath,
    args: [path.join(modules, '@modelcontextprotocol/server-memory/dist/index.js')],
    env: { ...process.env, MEMORY_FILE_PATH: path.join(scratch, `${name}.jsonl`) },
  }),
};
const connect = (server, name) => start(servers[server](name));

const entity = (name, ...observations) => ({ name, entityType: 'thing', observations });
const relation = (from, to) => ({ from, to, relationType: 'knows' });
const SCRIPT = [
  ['read_graph', {}],
  ['create_entities', { entities: [entity('a', 'one'), entity('\u00c4 b', 'Tw\u00f6'),
                                   entity('c')] }],
  ['create_entities', { entities: [entity('a', 'other'), entity('d', 'x\n"y"\t\u0001')] }],
  ['create_entities', { entities: [] }],
  ['create_relations', { relations: [relation('a', '\u00c4 b'), relation('a', 'nobody'),
                                     relation('c', 'd')] }],
  ['create_relations', { relations: [relation('a', 'nobody')] }],
  ['add_observations', { observations: [{ entityName: 'a', contents: ['one', 'two', 'two'] },
                                        { entityName: 'c', contents: [] }] }],
  ['add_observations', { observations: [{ entityName: 'c', contents: ['kept?'] },
                                        { entityName: 'nobody', contents: ['x'] }] }],
  ['read_graph', {}],
  ['search_nodes', { query: 'TW' }],
  ['search_nodes', { query: 'THING' }],
  ['search_nodes', { query: 'nothing such' }],
  ['search_nodes', { query: '' }],
  ['open_nodes', { names: ['a', 'unknown'] }],
  ['open_nodes', { names: [] }],
  ['delete_observations', { deletions: [{ entityName: 'a', observations: ['two', 'never'] },
                                        { entityName: 'unknown', observations: ['x'] }] }],
  ['delete_relations', { relations: [relation('c', 'd'), relation('x', 'y')] }],
  ['delete_entities', { entityNames: ['a', 'unknown'] }],
  ['read_graph', {}],
];

async function compare() {
  const ours = await connect('holdfast', 'script');
  const theirs = await connect('reference', 'script');
  for (const [tool, args] of SCRIPT) {
    const [own, reference] = [await ours.call(tool, args), await theirs.call(tool, args)];
    assert.deepEqual(own, reference, `${tool} ${JSON.stringify(args)}`);
  }
  const known = (tools) => new Map(tools.map((tool) => [tool.name, tool]));
  const own = known((await ours.client.listTools()).tools);
  for (const [name, tool] of known((await theirs.client.listTools()).tools)) {
    assert.ok(own.has(name), name);
    assert.equal(own.get(name).title, tool.title);
    for (const hint of ['readOnlyHint', 'destructiveHint', 'idempotentHint', 'openWorldHint']) {
      assert.equal(own.get(name).annotations[hint], tool.annotations[hint], `${name} ${hint}`);
    }
    assert.deepEqual(Object.keys(own.get(name).inputSchema.properties),
                     Object.keys(tool.inputSchema.properties), name);
  }
  const uri = (await theirs.client.listResources()).resources[0].uri;
  const read = async ({ client }) => (await client.readResource({ uri })).contents[0].text;
  assert.deepEqual(JSON.parse(await read(ours)), JSON.parse(await read(theirs)));
  await ours.client.close();
  await theirs.client.close();
  console.log(`${SCRIPT.length} calls answered alike`);
}

async function contendFor(server, each) {
  const begin = () => connect(server, 'many');
  const first = await begin();
  await first.call('create_entities', {
    entities: [...Array(CLIENTS).keys()].map((i) => entity(`client ${i}`)) });
  await first.client.close();
  const result = await contend({
    begin,
    each,
    write: (peer, i, text) => peer.call('add_observations', {
      observations: [{ entityName: `client ${i}`, contents: [text] }] }),
    read: async (peer) => new Set((await peer.call('read_graph', {})).structuredContent.entities
      .flatMap(({ observations }) => observations)),
  });
  report(server, result);
  return result;
}

// A change by one server is told to the clients of others.
async function tell() {
  const listening = await connect('holdfast', 'tell');
  const writing = await connect('holdfast', 'tell');
  const uri = 'memory://knowledge-graph';
  await writing.call('create_entities', { entities: [entity('first')] });
  const told = updated(listening);
  await listening.client.subscribeResource({ uri });
  await writing.call('create_entities', { entities: [entity('second')] });
  assert.equal(await told, uri);
  await listening.client.close();
  await writing.client.close();
  console.log('a subscriber of another server was told');
}

await compare();
await tell();
const own = await contendFor('holdfast', 200);
assert.deepEqual(own, { acknowledged: CLIENTS * 200, present: CLIENTS * 200, errors: 0 });
await contendFor('reference', 25);  // whatever it loses is its own affair
