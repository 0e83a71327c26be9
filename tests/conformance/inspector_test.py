#!/usr/bin/env python3
"""Lists and calls every tool of `holdfast mcp` with the command line of the protocol's inspector.

Usage: inspector_test.py PROGRAM BUILD_FOLDER

Each call is a process of the inspector, which starts a server of its own: what one call did, the
next finds in the store. A tool that is listed and not called here fails the test.
"""
import json
import shutil
import subprocess
import sys
import tempfile

import npm

TIMEOUT_S = 60
# Tool, arguments, and what its structured content must hold.
CALLS = [
    ('remember', {'content': 'the anchor holds', 'tags': '["sea"]'}, {'existed': False}),
    ('recall', {'query': 'anchor'}, {'omitted': 0}),
    ('history', {'action': 'recent'}, {'more': False}),
    ('value', {'action': 'set', 'key': 'a', 'value': 'b'}, {'key': 'a'}),
    ('value', {'action': 'get', 'key': 'a'}, {'found': True, 'value': 'b'}),
    ('file', {'action': 'write', 'path': '/plans/a.md', 'text': 'one'}, {'size': 3}),
    ('file', {'action': 'read', 'path': '/plans/a.md'}, {'text': 'one', 'size': 3}),
    ('claim', {'action': 'take', 'resources': '["file"]'}, {'resources': ['file']}),
    ('claim', {'action': 'list'}, {'resources': []}),  # it ended with the server that took it
    ('queue', {'action': 'push', 'queue': 'jobs', 'payload': 'work'}, {}),
    ('run', {'action': 'start', 'name': 'deploy'}, {'existed': False}),
    ('log', {'action': 'append', 'stream': 's', 'data': 'done'}, {}),
    ('log', {'action': 'read', 'stream': 's'}, {'next': 2}),
    ('link', {'action': 'add', 'from': 'a', 'type': 'fixes', 'to': 'b'}, {'existed': False}),
    ('artifact', {'action': 'put', 'name': 'report', 'text': 'all is well'}, {}),
    ('artifact', {'action': 'get', 'name': 'report'}, {'text': 'all is well'}),
    ('status', {}, {'observations': 1}),
]


class Inspector:
    def __init__(self, node, modules, server):
        scope = modules / '@modelcontextprotocol'
        package = scope / 'inspector-cli'
        # Its build reads the package.json of the inspector that it is a part of elsewhere.
        shutil.copy(package / 'package.json', scope / 'package.json')
        self.command = [node, package / 'build/index.js', *server]

    def ask(self, *words):
        done = subprocess.run([*self.command, *words], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=TIMEOUT_S)
        if done.returncode != 0:
            sys.exit(f'{" ".join(words)}: exit code {done.returncode}\n{done.stderr}')
        return json.loads(done.stdout)

    def call(self, tool, arguments):
        pairs = [f'{name}={value}' for name, value in arguments.items()]
        answer = self.ask('--method', 'tools/call', '--tool-name', tool,
                          *(['--tool-arg', *pairs] if pairs else []))
        if answer.get('isError') or 'structuredContent' not in answer:
            sys.exit(f'{tool} {arguments}: {answer}')
        return answer['structuredContent']


def expect(tool, arguments, wanted, said):
    for name, value in wanted.items():
        if said.get(name) != value:
            sys.exit(f'{tool} {arguments}: expected {name} to be {value!r}, got {said}')


def main():
    program, build = sys.argv[1:]
    node, modules = npm.install(build)
    with tempfile.TemporaryDirectory() as folder:
        store = folder + '/store'
        subprocess.run([program, '--store', store, 'init'], check=True, stdout=subprocess.DEVNULL)
        inspector = Inspector(node, modules, [program, '--store', store, '--space', 'test', 'mcp',
                                              '--tools', 'all'])
        listed = {tool['name'] for tool in inspector.ask('--method', 'tools/list')['tools']}
        for tool, arguments, wanted in CALLS:
            expect(tool, arguments, wanted, inspector.call(tool, arguments))
        remembered = inspector.call('history', {'action': 'recent'})['entries'][0]['id']
        shown = inspector.call('show', {'ids': json.dumps([remembered])})
        expect('show', remembered, {'failed': []}, shown)
        forgotten = inspector.call('forget', {'id': remembered})
        expect('forget', remembered, {'forgotten': remembered}, forgotten)
        uri = inspector.ask('--method', 'resources/list')['resources'][0]['uri']
        inspector.ask('--method', 'resources/read', '--uri', uri)
    called = {tool for tool, _, _ in CALLS} | {'show', 'forget'}
    if listed != called:
        sys.exit(f'listed but not called, or called but not listed: {listed ^ called}')
    print(f'{len(listed)} tools listed and called')


if __name__ == '__main__':
    main()
