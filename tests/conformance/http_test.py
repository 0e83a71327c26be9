#!/usr/bin/env python3
"""`holdfast mcp --http` byte by byte, in each revision of the protocol as its clients speak it:
sessions and streams of those with a handshake, single requests of the one without, updates from
other processes, cancellation, and who is let in.

Usage: http_test.py PROGRAM BUILD_FOLDER
"""
import http.client
import json
import select
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

TIMEOUT_S = 60
PROGRAM = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else None
HANDSHAKE = ('2025-03-26', '2025-06-18', '2025-11-25')
MODERN = '2026-07-28'
META = {'io.modelcontextprotocol/protocolVersion': MODERN,
        'io.modelcontextprotocol/clientCapabilities': {}}
BOTH = 'application/json, text/event-stream'
RECENT = 'holdfast://recent'
NO_METHOD, INVALID_PARAMS, MISMATCH, UNSUPPORTED = -32601, -32602, -32020, -32022


def message(method, params=None, number=1):
    said = {'jsonrpc': '2.0', 'method': method, 'params': params or {}}
    return said if number is None else {**said, 'id': number}


class Stream:
    """The events of an answer, as they come."""

    def __init__(self, connection, answer):
        self.connection, self.answer = connection, answer

    def next(self):
        while True:
            line = self.answer.readline()
            if not line:
                return None
            if line.startswith(b'data: '):
                return json.loads(line[6:])

    def close(self):
        # The answer keeps the socket open beside the connection.
        self.answer.close()
        self.connection.close()


class Server:
    def __init__(self, store, *words):
        self.process = subprocess.Popen(
            [PROGRAM, '--store', store, '--space', 'test', '--json', 'mcp', '--http', '--port', '0',
             *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.port = json.loads(self.process.stdout.readline())['port']

    def send(self, method, body=None, **headers):
        """The connection and the head of the answer."""
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=TIMEOUT_S)
        headers = {name.replace('_', '-'): value for name, value in headers.items() if value}
        connection.request(method, '/mcp', json.dumps(body) if body is not None else None, headers)
        return connection, connection.getresponse()

    def ask(self, body, **headers):
        """Status, JSON and head of an answer that is not a stream."""
        connection, answer = self.send('POST', body, **{'Accept': 'application/json', **headers})
        text = answer.read()
        connection.close()
        return answer.status, json.loads(text) if text else None, answer

    def status(self, method, body=None, **headers):
        connection, answer = self.send(method, body, **headers)
        answer.read()
        connection.close()
        return answer.status

    def stream(self, method, body=None, **headers):
        connection, answer = self.send(method, body, **{'Accept': BOTH, **headers})
        assert answer.status == 200, answer.read()
        assert answer.headers['content-type'] == 'text/event-stream'
        assert answer.headers['x-accel-buffering'] == 'no'
        return Stream(connection, answer)

    def end(self):
        self.process.terminate()
        code = self.process.wait(TIMEOUT_S)
        self.process.stdout.close()
        return code


class Session:
    """A client of a revision with a handshake."""

    def __init__(self, server, version):
        self.server, self.version = server, version
        hello = {'protocolVersion': version, 'capabilities': {},
                 'clientInfo': {'name': 'test', 'version': '1'}}
        status, said, answer = server.ask(message('initialize', hello))
        assert (status, said['result']['protocolVersion']) == (200, version), said
        self.headers = {'Mcp-Session-Id': answer.headers['mcp-session-id'],
                        'MCP-Protocol-Version': version}

    def ask(self, method, params=None, number=1):
        return self.server.ask(message(method, params, number), **self.headers)

    def result(self, method, params=None):
        status, said, _ = self.ask(method, params)
        assert status == 200 and 'result' in said, said
        return said['result']


class HttpTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.store = Path(self.folder.name) / 'store'
        self.run_program('init')
        self.run_program('remember', 'the first lesson')

    def run_program(self, *words):
        subprocess.run([PROGRAM, '--store', self.store, '--space', 'test', *words], check=True,
                       stdout=subprocess.DEVNULL, timeout=TIMEOUT_S)

    def serve(self, *words):
        server = Server(self.store, *words)
        self.addCleanup(server.process.stdout.close)
        self.addCleanup(server.process.wait)
        self.addCleanup(server.process.kill)
        return server

    def check_catalogue(self, result):
        tools = result('tools/list')['tools']
        self.assertLessEqual({'remember', 'recall', 'claim'}, {tool['name'] for tool in tools})
        self.assertLessEqual(len(tools), 12)
        hits = result('tools/call', {'name': 'recall', 'arguments': {'query': 'lesson'}})
        self.assertEqual(hits['structuredContent']['hits'][0]['text'], 'the first lesson')
        prompt = result('prompts/get', {'name': 'recall', 'arguments': {'topic': 'lesson'}})
        self.assertIn('the first lesson', prompt['messages'][0]['content']['text'])
        self.assertIn('the first lesson',
                      result('resources/read', {'uri': RECENT})['contents'][0]['text'])
        template = result('resources/templates/list')['resourceTemplates'][0]['uriTemplate']
        ids = result('completion/complete', {'ref': {'type': 'ref/resource', 'uri': template},
                                             'argument': {'name': 'id', 'value': ''}})
        self.assertEqual(ids['completion']['total'], 1)

    def test_a_session_of_each_revision(self):
        server = self.serve()
        for version in HANDSHAKE:
            session = Session(server, version)
            self.assertEqual(session.ask('notifications/initialized', number=None)[:2], (202, None))
            self.assertEqual(session.result('ping'), {})
            self.check_catalogue(session.result)
            self.assertEqual(session.ask('no/such')[1]['error']['code'], NO_METHOD)
            self.assertEqual(server.status('DELETE', **session.headers), 204)
            self.assertEqual(session.ask('ping')[0], 404)
            self.assertEqual(server.status('DELETE', **session.headers), 404)
        self.assertEqual(server.end(), 0)

    def test_a_session_is_asked_for(self):
        server = self.serve()
        self.assertEqual(server.ask(message('tools/list'))[0], 400)
        self.assertEqual(server.status('GET'), 400)
        session = Session(server, HANDSHAKE[-1])
        session.headers['MCP-Protocol-Version'] = '1999-01-01'
        self.assertEqual(session.ask('ping')[0], 400)
        _, unknown, _ = server.ask(message('initialize', {'protocolVersion': '1999-01-01'}))
        self.assertEqual(unknown['result']['protocolVersion'], HANDSHAKE[-1])
        refused, said, answer = server.ask(message('initialize'))
        self.assertEqual((refused, said['error']['code']), (200, INVALID_PARAMS))
        self.assertIsNone(answer.headers['mcp-session-id'])

    def test_a_commit_of_another_process_is_told_on_the_stream(self):
        for version in HANDSHAKE:
            server = self.serve()
            session = Session(server, version)
            self.assertEqual(session.result('resources/subscribe', {'uri': RECENT}), {})
            stream = server.stream('GET', **session.headers)
            self.assertEqual(stream.next()['params'], {'uri': RECENT})  # the watch has begun
            self.run_program('remember', f'a lesson in {version}')
            self.assertEqual(stream.next()['method'], 'notifications/resources/updated')
            stream.close()
            # What happens while nobody listens is told to who listens next.
            self.run_program('remember', f'another lesson in {version}')
            again = server.stream('GET', **session.headers)
            self.assertEqual(again.next()['params'], {'uri': RECENT})
            again.close()
            self.assertEqual(session.result('resources/unsubscribe', {'uri': RECENT}), {})
            self.assertEqual(server.end(), 0)

    def test_a_stream_ends_with_its_session(self):
        server = self.serve()
        session = Session(server, HANDSHAKE[-1])
        self.assertEqual(session.result('resources/subscribe', {'uri': RECENT}), {})
        stream = server.stream('GET', **session.headers)
        self.assertIsNotNone(stream.next())
        self.assertEqual(server.status('DELETE', **session.headers), 204)
        self.run_program('remember', 'unheard')
        self.addCleanup(stream.close)
        self.assertEqual(server.end(), 0)
        self.assertIsNone(stream.next())

    def take(self, number, wait=0, token=None):
        meta = {'_meta': {'progressToken': token}} if token else {}
        return message('tools/call', {'name': 'claim', 'arguments': {
            'action': 'take', 'resources': ['file'], 'wait_seconds': wait}, **meta}, number)

    def test_a_call_tells_how_long_it_waits_until_it_is_cancelled(self):
        server = self.serve()
        for version in HANDSHAKE:
            session = Session(server, version)
            _, taken, _ = server.ask(self.take(1), **session.headers)
            stream = server.stream('POST', self.take(2, 600, 'p'), **session.headers)
            progress = stream.next()
            self.assertEqual(progress['method'], 'notifications/progress')
            self.assertEqual(progress['params']['progressToken'], 'p')
            self.assertEqual(progress['params']['total'], 600)
            status, said, _ = server.ask(self.take(2), **session.headers)
            self.assertEqual((status, said['id']), (400, 2))  # that id is not answered yet
            cancel = message('notifications/cancelled', {'requestId': 2}, None)
            self.assertEqual(server.ask(cancel, **session.headers)[0], 202)
            while said := stream.next():
                self.assertEqual(said['method'], 'notifications/progress')
            stream.close()
            claim = taken['result']['structuredContent']['claim']
            released = session.result('tools/call', {'name': 'claim', 'arguments': {
                'action': 'release', 'claim': claim}})
            self.assertEqual(released['structuredContent'], {'released': claim})

    # Asks call 7, which waits, and leaves as soon as the server has taken it up.
    def leave_waiting(self, server, session, accept):
        while True:
            connection = http.client.HTTPConnection('127.0.0.1', server.port, timeout=TIMEOUT_S)
            connection.request('POST', '/mcp', json.dumps(self.take(7, 600)),
                               {**session.headers, 'Accept': accept})
            # Without a stream it says nothing; but then its id is in use.
            while not select.select([connection.sock], [], [], 0)[0]:
                if session.ask('ping', number=7)[0] == 400:
                    return connection.close()
            stream = Stream(connection, connection.getresponse())
            status = stream.answer.status
            stream.close()
            if status == 200:
                return None
            self.assertEqual(status, 400)  # the id was in use by the ping that looked for it

    def test_who_has_left_waits_for_nothing(self):
        server = self.serve()
        session = Session(server, HANDSHAKE[-1])
        _, taken, _ = server.ask(self.take(1), **session.headers)
        claim = taken['result']['structuredContent']['claim']
        for accept in (BOTH, 'application/json'):
            self.leave_waiting(server, session, accept)
            # Its id is free again when its waiting has ended.
            while session.ask('ping', number=7)[0] == 400:
                pass
        session.result('tools/call', {'name': 'claim', 'arguments': {'action': 'release',
                                                                     'claim': claim}})
        _, again, _ = server.ask(self.take(8), **session.headers)
        self.assertIn('token', again['result']['structuredContent'])

    def test_a_batch_where_the_revision_has_them(self):
        server = self.serve()
        batch = [message('ping', number='a'), message('notifications/initialized', number=None),
                 message('tools/list', number=2), 7]
        status, said, _ = server.ask(batch, **Session(server, '2025-03-26').headers)
        self.assertEqual((status, [one['id'] for one in said]), (200, ['a', 2, None]))
        notifications = [message('notifications/initialized', number=None)]
        headers = Session(server, '2025-03-26').headers
        self.assertEqual(server.ask(notifications, **headers)[:2], (202, None))
        for version in ('2025-06-18', '2025-11-25'):
            self.assertEqual(server.ask(batch, **Session(server, version).headers)[0], 400)
        self.assertEqual(server.ask(batch)[0], 400)

    def modern(self, server, method, params=None, number=1, **headers):
        params = {'_meta': META, **(params or {})}
        named = {'Mcp-Name': params.get('name') or params.get('uri')} if method in (
            'tools/call', 'resources/read', 'prompts/get') else {}
        return message(method, params, number), {
            'MCP-Protocol-Version': MODERN, 'Mcp-Method': method, **named, **headers}

    def test_single_requests_of_the_revision_without_sessions(self):
        server = self.serve()

        def result(method, params=None):
            body, headers = self.modern(server, method, params)
            status, said, answer = server.ask(body, **headers)
            self.assertEqual(status, 200, said)
            self.assertIsNone(answer.headers['mcp-session-id'])
            self.assertEqual(said['result']['resultType'], 'complete')
            return said['result']

        self.assertEqual(result('server/discover')['supportedVersions'][0], MODERN)
        self.check_catalogue(result)

        def refused(method, change_headers=None, params=None):
            body, headers = self.modern(server, method, params)
            headers.update(change_headers or {})
            status, said, _ = server.ask(body, **headers)
            return status, said['error']['code']

        self.assertEqual(refused('ping'), (404, NO_METHOD))
        self.assertEqual(refused('tools/list', {'Mcp-Method': None}), (400, MISMATCH))
        self.assertEqual(refused('tools/list', {'Mcp-Method': 'tools/call'}), (400, MISMATCH))
        self.assertEqual(refused('tools/list', {'MCP-Protocol-Version': None}), (400, MISMATCH))
        recall = {'name': 'recall', 'arguments': {'query': 'x'}}
        self.assertEqual(refused('tools/call', {'Mcp-Name': 'forget'}, recall), (400, MISMATCH))
        self.assertEqual(refused('tools/list', None, {'_meta': {}}), (400, INVALID_PARAMS))
        newer = {**META, 'io.modelcontextprotocol/protocolVersion': '2099-01-01'}
        self.assertEqual(refused('tools/list', {'MCP-Protocol-Version': '2099-01-01'},
                                 {'_meta': newer}), (400, UNSUPPORTED))
        body, headers = self.modern(server, 'notifications/cancelled', number=None)
        self.assertEqual(server.ask(body, **headers)[:2], (202, None))

    def test_a_subscription_of_the_revision_without_sessions(self):
        server = self.serve()
        body, headers = self.modern(server, 'subscriptions/listen', {
            'notifications': {'resourceSubscriptions': [RECENT, 'no://such']}}, 'sub')
        stream = server.stream('POST', body, **headers)
        first = stream.next()
        self.assertEqual(first['method'], 'notifications/subscriptions/acknowledged')
        self.assertEqual(first['params']['notifications'], {'resourceSubscriptions': [RECENT]})
        for number in range(2):  # one that the watch has begun, one of a commit
            if number:
                self.run_program('remember', 'a lesson')
            told = stream.next()['params']
            self.assertEqual(told['uri'], RECENT)
            self.assertEqual(told['_meta']['io.modelcontextprotocol/subscriptionId'], 'sub')
        stream.close()
        self.assertEqual(server.end(), 0)

    def test_a_closed_stream_cancels_its_call(self):
        server = self.serve()
        session = Session(server, HANDSHAKE[-1])
        _, taken, _ = server.ask(self.take(1), **session.headers)
        waiting = self.take(2, 600, 'p')
        waiting['params']['_meta'].update(META)
        stream = server.stream('POST', waiting, **self.modern(
            server, 'tools/call', {'name': 'claim'})[1])
        self.assertEqual(stream.next()['method'], 'notifications/progress')
        stream.close()
        claim = taken['result']['structuredContent']['claim']
        session.result('tools/call', {'name': 'claim', 'arguments': {'action': 'release',
                                                                     'claim': claim}})
        # Who waited does not have it now, with nobody there to know.
        _, again, _ = server.ask(self.take(3, 20), **session.headers)
        self.assertIn('token', again['result']['structuredContent'])

    def test_who_is_let_in(self):
        server = self.serve()
        self.assertEqual(server.status('OPTIONS', Origin='http://localhost:1'), 405)
        self.assertEqual(server.status('HEAD'), 405)
        for host in ('evil.example', '[::1]evil.example', 'localhost.evil.example', '127.0.0.1.'):
            self.assertEqual(server.status('POST', message('ping'), Host=host), 403, host)
        for origin in ('http://evil.example', 'null', 'http://localhost.evil.example',
                       'http://localhost:1@evil.example'):
            self.assertEqual(server.status('POST', message('ping'), Origin=origin), 403, origin)
        for good in ({'Host': 'localhost'}, {'Host': f'[::1]:{server.port}'},
                     {'Origin': 'http://127.0.0.1:1'}):
            self.assertEqual(server.status('POST', message('ping'), **good), 400, good)

    def test_who_has_the_token_is_let_in(self):
        token = Path(self.folder.name) / 'token'
        token.write_text('secret\n')
        server = self.serve('--token-file', token, '--host', 'memory.example')
        for given in (None, 'Bearer', 'Bearer wrong', 'Bearer secret2', 'Basic secret', 'secret'):
            _, answer = server.send('POST', message('ping'), Authorization=given)
            self.assertEqual(answer.status, 401, given)
            self.assertEqual(answer.headers['www-authenticate'], 'Bearer')
            answer.read()
        for given in ('Bearer secret', 'bearer secret'):
            status = server.status('POST', message('ping'), Authorization=given,
                                   Host='memory.example')
            self.assertEqual(status, 400, given)  # in, and asked for a session
        status = server.status('POST', message('ping'), Authorization='Bearer secret',
                               Host='evil.example')
        self.assertEqual(status, 403)

    def test_many_clients_at_once(self):
        server = self.serve()
        failures = []

        def client(number):
            try:
                session = Session(server, HANDSHAKE[number % len(HANDSHAKE)])
                for i in range(20):
                    said = session.result('tools/call', {'name': 'remember', 'arguments': {
                        'content': f'client {number} says {i}'}})
                    assert said['structuredContent']['existed'] is False
            except Exception as error:  # told to the main thread
                failures.append(error)

        threads = [threading.Thread(target=client, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertEqual(server.end(), 0)
        words = ['--store', self.store, '--space', 'test', '--json', 'list', '--limit', '1000']
        listed = subprocess.run([PROGRAM, *words], check=True, stdout=subprocess.PIPE)
        self.assertEqual(len(listed.stdout.splitlines()), 16 * 20 + 1)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
