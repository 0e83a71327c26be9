#!/usr/bin/env python3
"""Runs the official conformance suite of the Model Context Protocol against `holdfast mcp --http`.

Usage: mcp_test.py PROGRAM BUILD_FOLDER

Fetches Node.js and the suite from the npm registry when they are not there yet.
"""
import json
import re
import subprocess
import sys
import tempfile

import npm

TIMEOUT_S = 200
# Scenarios that version 0.1.16 has; a run that found fewer did not test what it should.
SCENARIOS_MIN = 30


def run_suite(node, suite, port, name):
    url = f'http://127.0.0.1:{port}/mcp'
    done = subprocess.run([node, suite, 'server', '--url', url, '--suite', name], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT_S)
    print(done.stdout[done.stdout.find('=== SUMMARY'):])
    total = re.search(r'Total: (\d+) passed, (\d+) failed', done.stdout)
    scenarios = len(re.findall(r'=== Running scenario: ', done.stdout))
    return done.returncode == 0 and total and total.group(2) == '0', scenarios


def main():
    program, build = sys.argv[1:]
    node, modules = npm.install(build)
    suite = modules / '@modelcontextprotocol/conformance/dist/index.js'
    with tempfile.TemporaryDirectory() as store:
        subprocess.run([program, '--store', store, 'init'], check=True, stdout=subprocess.DEVNULL)
        server = subprocess.Popen([program, '--store', store, '--json', 'mcp', '--http', '--port',
                                   '0', '--conformance'], text=True, stdout=subprocess.PIPE)
        try:
            port = json.loads(server.stdout.readline())['port']
            passed, scenarios = run_suite(node, suite, port, 'active')
            passed_pending, _ = run_suite(node, suite, port, 'pending')
        finally:
            server.terminate()
            ended = server.wait(timeout=30)
    if scenarios < SCENARIOS_MIN:
        sys.exit(f'only {scenarios} scenarios were run')
    if ended != 0:
        sys.exit(f'the server exited with {ended}')
    if not (passed and passed_pending):
        sys.exit('the suite failed; see above')


if __name__ == '__main__':
    main()
