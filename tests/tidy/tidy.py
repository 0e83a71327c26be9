#!/usr/bin/env python3
"""Keeps the house tidy: reads every source file and prints what breaks a rule of rules.py.

Usage: tests/tidy/tidy.py [ROOT]. Exit code 1 when there is a finding, one a line:
  src/tree/page.cc:12: what is wrong: what to do
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import rules

FOLDERS = ('src', 'include', 'apps', 'bench', 'tests', 'scripts', 'docs', 'bindings', '.ci')
SUFFIXES = ('.h', '.cc', '.py', '.sh', '.cmake', '.md', '.txt', '.json')


def paths_in(root):
    """Paths of the text files of the repository, from its root."""
    found = [entry.name for entry in os.scandir(root) if entry.is_file() and is_text(entry)]
    for folder in FOLDERS:
        for parent, folders, names in os.walk(root / folder):
            folders[:] = [name for name in folders if name not in ('__pycache__', 'node_modules')]
            relative = os.path.relpath(parent, root)
            found += [f'{relative}/{name}' for name in names if is_text(Path(parent, name))]
    return sorted(found)


def is_text(path):
    """By its suffix; without one, scripts are."""
    if '.' in path.name:
        return path.name.endswith(SUFFIXES)
    with open(path, 'rb') as file:
        return file.read(2) == b'#!'


def findings(root):
    yield from rules.check_root(entry.name for entry in os.scandir(root) if entry.is_file())
    paths = paths_in(root)
    files = []
    for path in paths:
        try:
            file = rules.File(path, (root / path).read_text(encoding='utf-8'))
        except UnicodeDecodeError as error:
            yield path, 1, f'not UTF-8 at byte {error.start}', 'write ASCII'
            continue
        files.append(file)
        for rule in rules.FILE_RULES:
            for line, what, advice in rule(file):
                yield path, line, what, advice
    yield from rules.check_rooms_are_described(paths)
    yield from rules.check_named_tests(files)


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2]).resolve()
    count = 0
    for path, line, what, advice in findings(root):
        print(f'{path}:{line}: {what}: {advice}')
        count += 1
    print(f'{len(paths_in(root))} files read, {count} findings')
    return 1 if count else 0


if __name__ == '__main__':
    sys.exit(main())
