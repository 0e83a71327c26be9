#!/usr/bin/env python3
"""Runs the official conformance suite of the Model Context Protocol against `holdfast mcp --http`.

Usage: conformance_test.py PROGRAM BUILD_FOLDER

Fetches Node.js and the suite from the npm registry when they are not there yet.
"""
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
TIMEOUT_S = 200
# Scenarios that version 0.1.16 has; a run that found fewer did not test what it should.
SCENARIOS_MIN = 30


def suite_in(folder, node, npm):
    """Installs the suite as package-lock.json says; returns its program."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = (HERE / 'package-lock.json').read_bytes()
    stamp = folder / 'installed.lock'
    if not stamp.exists() or stamp.read_bytes() != lock:
        for name in ('package.json', 'package-lock.json'):
            shutil.copy(HERE / name, folder / name)
        subprocess.run([node, npm, 'ci', '--no-audit', '--no-fund', '--ignore-scripts'], cwd=folder,
                       check=True, stdout=subprocess.DEVNULL, timeout=TIMEOUT_S)
        stamp.write_bytes(lock)
    return folder / 'node_modules/@modelcontextprotocol/conformance/dist/index.js'


def run_suite(node, suite, port, name):
    url = f'http://127.0.0.1:{port}/mcp'
    done = subprocess.run([node, suite, 'server', '--url', url, '--suite', name], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT_S)
    print(done.stdout[done.stdout.find('=== SUMMARY'):])
    total = re.search(r'Total: (\d+) passed, (\d+) failed', done.stdout)
    scenarios = len(re.findall(r'=== Running scenario: ', done.stdout))
    return done.returncode == 0 and total and total.group(2) == '0', scenarios


def main():
    program, build = sys.argv[1], Path(sys.argv[2])
    found = subprocess.run([PROJECT / 'scripts/node'], check=True, text=True,
                           stdout=subprocess.PIPE, timeout=TIMEOUT_S)
    node, npm = found.stdout.split()
    suite = suite_in(build / 'conformance', node, npm)
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
