#!/usr/bin/env python3
"""Holds the drop-in mode of `holdfast mcp` against the reference memory server, with clients of
the SDK.

Usage: memory_server_test.py PROGRAM BUILD_FOLDER
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
    with tempfile.TemporaryDirectory() as scratch:
        store = Path(scratch) / 'store'
        subprocess.run([program, '--store', store, 'init'], check=True, stdout=subprocess.DEVNULL)
        done = subprocess.run([node, HERE / 'memory_server_clients.mjs', modules, program, scratch],
                              timeout=TIMEOUT_S)
        sys.exit(done.returncode)


if __name__ == '__main__':
    main()
