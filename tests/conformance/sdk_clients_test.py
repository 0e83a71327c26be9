#!/usr/bin/env python3
"""Runs what clients of the protocol's SDK do to `holdfast mcp`: its own tools, and the drop-in mode
beside the reference memory server.

Usage: sdk_clients_test.py PROGRAM BUILD_FOLDER
"""
import subprocess
import sys
import tempfile
from pathlib import Path

import npm

HERE = Path(__file__).resolve().parent
TIMEOUT_S = 300


def main():
    program, build = sys.argv[1:]
    node, modules = npm.install(build)
    for script in ('observation_clients.mjs', 'memory_server_clients.mjs'):
        with tempfile.TemporaryDirectory() as scratch:
            store = Path(scratch) / 'store'
            subprocess.run([program, '--store', store, 'init'], check=True,
                           stdout=subprocess.DEVNULL)
            subprocess.run([node, HERE / script, modules, program, scratch], check=True,
                           timeout=TIMEOUT_S)


if __name__ == '__main__':
    main()
