#!/usr/bin/env python3
"""What no client should send to `holdfast mcp`, over stdio and HTTP, and what should not befall a
store in use: each is answered as the protocol says or by an exit code, servers go on, and nothing
that was acknowledged is lost.

Usage: bad_input_test.py PROGRAM BUILD_FOLDER
"""
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TIMEOUT_S = 60
PARSE_ERROR, INVALID_REQUEST, NO_METHOD, INVALID_PARAMS = -32700, -32600, -32601, -32602
MESSAGE_MIB_MAX = 32
REFUSED = 5  # the exit code
NOBODY = 65534
PROGRAM = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else None


def request(method, params, number=1):
    return json.dumps({'jsonrpc': '2.0', 'id': number, 'method': method,
                       'params': params}).encode()


def call(tool, number=1, **arguments):
    return request('tools/call', {'name': tool, 'arguments': arguments}, number)


# What is sent, and the error's code.
BAD = [
    (b'nonsense', PARSE_ERROR),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping"', PARSE_ERROR),
    (b'{"jsonrpc":"2.0","id":1,"method":"p\xff\xfe"}', PARSE_ERROR),
    (b'{"jsonrpc":"2.0","id":1,"method":"\xed\xa0\x80"}', PARSE_ERROR),  # half a surrogate
    (b'\0', PARSE_ERROR),
    (b'[]', INVALID_REQUEST),
    (b'7', INVALID_REQUEST),
    (b'{"jsonrpc":"1.0","id":1,"method":"ping"}', INVALID_REQUEST),
    (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', INVALID_REQUEST),
    (b'{"jsonrpc":"2.0","id":[],"method":"ping"}', INVALID_REQUEST),
    (b'{"jsonrpc":"2.0","id":1,"method":7}', INVALID_REQUEST),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}', INVALID_PARAMS),
    (b'[' * 100_000, PARSE_ERROR),
    (request('no/such', {}), NO_METHOD),
    (call('no such tool'), INVALID_PARAMS),
    (request('tools/call', {}), INVALID_PARAMS),
    (request('resources/read', {'uri': 'holdfast://nothing'}), None),
]
# What a tool is given that does not fit: a result, for the model to read.
MISFITS = [call('remember'), call('remember', content=7), call('remember', content='a', more=1),
           call('claim', action='steal'), call('artifact', action='put', name='a'),
           call('recall', query='a', limit=10**30)]


class Store:
    """A store with one observation, and what a server of it is started with."""

    def __init__(self, folder):
        self.path = Path(folder) / 'store'
        self.run('init')
        self.run('remember', 'kept')

    def command(self, *words):
        return [PROGRAM, '--store', self.path, '--space', 'test', *words]

    def run(self, *words):
        return subprocess.run(self.command(*words), check=True, text=True, stdout=subprocess.PIPE,
                              timeout=TIMEOUT_S).stdout


class Stdio:
    def __init__(self, store, command=None, **settings):
        self.process = subprocess.Popen(command or store.command('mcp'), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, **settings)

    def ask(self, body):
        self.process.stdin.write(body + b'\n')
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def end(self):
        self.process.stdin.close()
        code = self.process.wait(TIMEOUT_S)
        self.process.stdout.close()
        return code


class Http:
    def __init__(self, store):
        self.process = subprocess.Popen(store.command('--json', 'mcp', '--http', '--port', '0'),
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.port = json.loads(self.process.stdout.readline())['port']
        self.session = {}
        hello = {'protocolVersion': '2025-11-25', 'capabilities': {},
                 'clientInfo': {'name': 'test', 'version': '1'}}
        _, answer = self.post(request('initialize', hello))
        self.session = {'Mcp-Session-Id': answer.headers['mcp-session-id']}

    def post(self, body, **headers):
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=TIMEOUT_S)
        connection.request('POST', '/mcp', body, {'Accept': 'application/json', **self.session,
                                                  **headers})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return (json.loads(text) if text.startswith(b'{') else None), answer

    def ask(self, body):
        return self.post(body)[0]

    def raw(self, sent):
        """What the server answers to these bytes, until it ends the connection."""
        with socket.create_connection(('127.0.0.1', self.port), TIMEOUT_S) as connection:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            answer = b''
            while piece := connection.recv(65536):
                answer += piece
        return answer

    def end(self):
        self.process.terminate()
        code = self.process.wait(TIMEOUT_S)
        self.process.stdout.close()
        return code


class BadInput(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.store = Store(self.folder.name)

    def serve(self, transport):
        server = transport(self.store)
        self.addCleanup(server.process.wait)
        self.addCleanup(server.process.kill)
        return server

    def check_good(self, server, content):
        said = server.ask(call('remember', content=content))
        self.assertIs(said['result']['structuredContent']['existed'], False)

    def check_remembered(self, *contents):
        found = [json.loads(line)['content'] for line in
                 self.store.run('--json', 'list').splitlines()]
        self.assertCountEqual(found, contents)

    def check_bad(self, server):
        for body, code in BAD:
            said = server.ask(body)
            self.assertIn('error', said, body[:80])
            if code:
                self.assertEqual(said['error']['code'], code, body[:80])
            self.assertGreater(len(said['error']['message']), 10)
        for body in MISFITS:
            self.assertTrue(server.ask(body)['result']['isError'], body)

    def test_messages_over_stdio(self):
        server = self.serve(Stdio)
        self.check_bad(server)
        said = server.ask(b'x' * ((MESSAGE_MIB_MAX << 20) + 1))
        self.assertEqual(said['error']['code'], INVALID_REQUEST)
        self.assertIn(f'{MESSAGE_MIB_MAX} MiB', said['error']['message'])
        self.check_good(server, 'behind')
        self.assertEqual(server.end(), 0)
        self.check_remembered('kept', 'behind')

    def test_messages_over_http(self):
        server = self.serve(Http)
        self.check_bad(server)
        said, answer = server.post(call('status'), **{'Mcp-Session-Id': 'unknown'})
        self.assertEqual(answer.status, 404)
        self.assertIn('error', said)
        self.check_good(server, 'behind')
        self.assertEqual(server.end(), 0)
        self.check_remembered('kept', 'behind')

    def test_bytes_over_http(self):
        server = self.serve(Http)
        post = b'POST /mcp HTTP/1.1\r\nHost: localhost\r\n'
        too_long = str((MESSAGE_MIB_MAX << 20) + 1).encode()
        for sent, status in [
                (b'\x16\x03\x01\x02\x00\x01\x00', None),  # TLS: no head ever comes
                (b'\r\n\r\n\r\n', None),
                (b'nonsense\r\n\r\n', 400),
                (b'GET /mcp HTTP/3\r\n\r\n', 505),
                (b'GET /mcp HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n', 403),
                (b'GET /other HTTP/1.1\r\nHost: localhost\r\n\r\n', 404),
                (b'PUT /mcp HTTP/1.1\r\nHost: localhost\r\n\r\n', 405),
                (post + b'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400),
                (post + b'Content-Length: ' + too_long + b'\r\n\r\n', 413),
                (post + b'Transfer-Encoding: chunked\r\n\r\n' + b'F' * 20 + b'\r\n', 400),
                (post + b'Content-Length: 10\r\n\r\n{', 400),
                (post + b'A: ' + b'x' * 100_000 + b'\r\n\r\n', 431)]:
            answer = server.raw(sent)
            expected = f'HTTP/1.1 {status} '.encode() if status else b''
            self.assertEqual(answer[:len(expected)], expected, sent[:80])
        self.check_good(server, 'behind')
        self.assertEqual(server.end(), 0)

    def test_pipes_that_are_closed(self):
        server = self.serve(Stdio)
        server.process.stdout.close()
        server.process.stdin.write(call('remember', content='unheard') + b'\n')
        server.process.stdin.flush()
        self.assertEqual(server.process.wait(TIMEOUT_S), 0)
        server.process.stdin.close()
        self.check_remembered('kept', 'unheard')

    def test_clients_that_leave_in_the_middle(self):
        server = self.serve(Http)
        session = server.session['Mcp-Session-Id']
        take = call('claim', action='take', resources=['a'], wait_seconds=600)
        self.assertNotIn('isError', server.ask(take)['result'])
        for number in range(2, 100):
            again = call('claim', number, action='take', resources=['a'], wait_seconds=600)
            head = (f'POST /mcp HTTP/1.1\r\nHost: localhost\r\nMcp-Session-Id: {session}\r\n'
                    f'Accept: text/event-stream\r\nContent-Length: {len(again)}\r\n\r\n')
            with socket.create_connection(('127.0.0.1', server.port), TIMEOUT_S) as connection:
                connection.sendall(head.encode() + again)
        self.check_good(server, 'behind')
        self.assertEqual(server.end(), 0)

    def test_a_store_that_vanishes(self):
        for transport in (Stdio, Http):
            server = self.serve(transport)
            self.check_good(server, f'before {transport.__name__}')
            away = self.store.path.with_name('away')
            os.rename(self.store.path, away)
            said = server.ask(call('remember', content='nowhere'))
            self.assertTrue(said['result']['isError'])
            os.rename(away, self.store.path)
            self.check_good(server, f'behind {transport.__name__}')
            self.assertEqual(server.end(), 0)
        self.check_remembered('kept', 'before Stdio', 'behind Stdio', 'before Http', 'behind Http')

    def test_a_store_that_vanishes_from_who_waits(self):
        self.store.run('put', 'key', 'value')
        self.store.run('event', 'append', 'log', 'one')
        waiting = [subprocess.Popen(self.store.command(*words), stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE, text=True)
                   for words in (['watch', '--since', '0'], ['event', 'tail', 'log', '--from', '1'],
                                 ['embed', '--follow'], ['stats', '--watch', '0.1'])]
        for process in waiting:
            self.addCleanup(process.communicate)
            self.addCleanup(process.kill)
        for process in waiting:
            self.assertTrue(process.stdout.readline())  # it has begun
        shutil.rmtree(self.store.path)
        for process in waiting:
            _, error = process.communicate(timeout=TIMEOUT_S)
            self.assertEqual(process.returncode, REFUSED, process.args)
            self.assertIn('vanished', error)
        for words, code in ([['recall', 'kept'], REFUSED], [['remember', 'late'], REFUSED],
                            [['hook', 'prompt'], 0]):
            done = subprocess.run(self.store.command(*words), input='{"prompt":"is it late?"}',
                                  text=True, stderr=subprocess.PIPE, timeout=TIMEOUT_S)
            self.assertEqual(done.returncode, code, words)
            self.assertIn('no store here', done.stderr)
        self.assertFalse(self.store.path.exists())

    def test_an_output_that_is_full(self):
        self.store.run('put', 'large', 'x' * 100_000)
        for words in (['get', 'large'], ['get', 'large', '--json'], ['list'], ['reference']):
            with open('/dev/full', 'w') as full:
                done = subprocess.run(self.store.command(*words), stdout=full, text=True,
                                      stderr=subprocess.PIPE, timeout=TIMEOUT_S)
            self.assertEqual(done.returncode, REFUSED, words)
            self.assertIn('cannot write to stdout', done.stderr)

    def test_a_store_of_somebody_else(self):
        if os.geteuid() != 0:
            self.skipTest('only root can become somebody else')
        os.chmod(self.folder.name, 0o755)
        os.chmod(self.store.path, 0o700)
        copy = Path(self.folder.name) / 'holdfast'
        shutil.copy(PROGRAM, copy)
        nobody = {'user': NOBODY, 'group': NOBODY, 'extra_groups': []}
        for words, code in ([['get', 'key'], REFUSED], [['remember', 'mine'], REFUSED],
                            [['hook', 'prompt'], 0]):
            done = subprocess.run([copy, *self.store.command(*words)[1:]], text=True,
                                  input='{"prompt":"is it late?"}', stderr=subprocess.PIPE,
                                  timeout=TIMEOUT_S, **nobody)
            self.assertEqual(done.returncode, code, words)
            self.assertIn('ermission denied', done.stderr)
        server = Stdio(self.store, [copy, *self.store.command('mcp')[1:]], **nobody)
        self.addCleanup(server.process.kill)
        said = server.ask(call('remember', content='mine'))
        self.assertTrue(said['result']['isError'])
        self.assertIn('permission denied', said['result']['content'][0]['text'])
        self.assertEqual(server.end(), 0)
        self.check_remembered('kept')

    def test_a_disk_that_is_full(self):
        disk = Path(self.folder.name) / 'disk'
        disk.mkdir()
        store = f'"$0" --store {disk}/store --space test'
        script = (f'mount -t tmpfs -o size=40m none {disk} && head -c 24M /dev/zero >{disk}/filler '
                  f'&& {store} init && {store} remember kept && exec {store} mcp')
        server = Stdio(self.store, ['unshare', '--mount', 'sh', '-c', script, PROGRAM])
        self.addCleanup(server.process.kill)
        if not server.process.stdout.readline().startswith(b'Made'):
            self.skipTest('mounting is not permitted here')
        server.process.stdout.readline()  # the id
        kept = ['kept']
        for number in range(1_000):
            content = f'{number} ' + ' '.join(f'word{number}x{i}' for i in range(5_000))
            said = server.ask(call('remember', content=content))
            if said['result'].get('isError'):
                break
            kept.append(content)
        self.assertIn('no space', said['result']['content'][0]['text'])
        self.assertGreater(len(kept), 3)
        self.assertNotIn('isError', server.ask(call('recall', query='word1x7'))['result'])
        os.remove(f'/proc/{server.process.pid}/root/{disk}/filler')
        self.check_good(server, 'behind')
        found = subprocess.run(['nsenter', '-t', str(server.process.pid), '-m', PROGRAM, '--store',
                                disk / 'store', '--space', 'test', '--json', 'list', '--limit',
                                '1000'], stdout=subprocess.PIPE, check=True, timeout=TIMEOUT_S)
        self.assertCountEqual([json.loads(line)['content'] for line in found.stdout.splitlines()],
                              [*kept, 'behind'])
        self.assertEqual(server.end(), 0)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
