#!/usr/bin/env python3
"""Holds `holdfast memory-tool` against the reference implementation of the memory tool: the same
session of commands, every answer byte for byte.

Usage: memory_tool_test.py PROGRAM BUILD_FOLDER
"""
import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import npm

TIMEOUT_S = 200
RANDOM_COMMANDS = 600
SEED = 20261121


def view(path, **more):
    return {'command': 'view', 'path': path, **more}


def create(path, text):
    return {'command': 'create', 'path': path, 'file_text': text}


def replace(path, old, new):
    return {'command': 'str_replace', 'path': path, 'old_str': old, 'new_str': new}


def insert(path, line, text):
    return {'command': 'insert', 'path': path, 'insert_line': line, 'insert_text': text}


def delete(path):
    return {'command': 'delete', 'path': path}


def rename(old, new):
    return {'command': 'rename', 'old_path': old, 'new_path': new}


SCRIPT = [
    view('/memories'),
    create('/memories/notes.md', 'one\ntwo\nthree\n'),
    create('/memories/notes.md', 'again'),
    view('/memories/notes.md'),
    view('/memories/notes.md', view_range=[2, 3]),
    view('/memories/notes.md', view_range=[2, -1]),
    view('/memories/notes.md', view_range=[0, 99]),
    view('/memories/notes.md', view_range=[9, 12]),
    view('/memories/none.md'),
    create('/memories/a/b/c/deep.md', 'x' * 2000),
    create('/memories/a.txt', ''),
    create('/memories/a/z.md', 'y' * 1024),
    create('/memories/a/.hidden', 'h'),
    create('/memories/node_modules/x.js', 'n'),
    view('/memories'),
    view('/memories/a'),
    view('/memories/a/b/c'),
    replace('/memories/notes.md', 'two', 'TWO'),
    replace('/memories/notes.md', 'nothing', 'x'),
    replace('/memories/none.md', 'a', 'b'),
    replace('/memories/a', 'a', 'b'),
    replace('/memories/notes.md', 'e', 'E'),
    replace('/memories/notes.md', 'TWO', 'a\nb\nc\n$&'),
    view('/memories/notes.md'),
    insert('/memories/notes.md', 0, 'first\n'),
    insert('/memories/notes.md', 3, 'in between'),
    insert('/memories/notes.md', 99, 'x'),
    insert('/memories/notes.md', -1, 'x'),
    insert('/memories/none.md', 0, 'x'),
    insert('/memories/a', 0, 'x'),
    view('/memories/notes.md'),
    insert('/memories/a.txt', 1, 'at the end'),
    insert('/memories/a.txt', 0, ''),
    view('/memories/a.txt'),
    rename('/memories/notes.md', '/memories/a.txt'),
    rename('/memories/none.md', '/memories/new.md'),
    rename('/memories/notes.md', '/memories/new/place/notes.md'),
    rename('/memories', '/memories/x'),
    rename('/memories/a', '/memories/moved'),
    view('/memories/moved'),
    delete('/memories'),
    delete('/memories/none.md'),
    delete('/memories/moved/b'),
    view('/memories/moved'),
    delete('/memories/moved'),
    delete('/memories/a.txt'),
    view('/memories'),
    view('/etc/passwd'),
    view('/memories/../etc/passwd'),
    create('/memories/a/../../x', 'x'),
    create('/memories/caf\u00e9/\u65e5\u672c.md', '\u65e5\u672c\n\U0001f600\n'),
    view('/memories/caf\u00e9/\u65e5\u672c.md'),
    replace('/memories/caf\u00e9/\u65e5\u672c.md', '\u65e5', '\u6708'),
]


def random_command(chance):
    """One of the commands on a few paths, so that they meet."""
    names = ['a', 'b.md', 'c.txt', 'd', '.e']
    path = '/memories/' + '/'.join(chance.choices(names, k=chance.randint(1, 3)))
    # At the top: elsewhere the reference makes parents also when there is nothing to rename.
    old, new = ('/memories/' + chance.choice(names) for _ in range(2))
    text = '\n'.join(chance.choices(['red', 'green', 'blue', ''], k=chance.randint(0, 6)))
    return chance.choice([
        view(path), view(path), view('/memories'), create(path, text), create(path, text),
        view(path, view_range=[chance.randint(0, 4), chance.choice([-1, 2, 9])]),
        replace(path, chance.choice(['red', 'green', 'blue']), text.replace('\n', ' ')),
        insert(path, chance.randint(-1, 6), text), delete(path), rename(old, new)])


def run(program, commands):
    done = subprocess.run(program, input='\n'.join(json.dumps(c) for c in commands), text=True,
                          stdout=subprocess.PIPE, check=True, timeout=TIMEOUT_S)
    return [json.loads(line) for line in done.stdout.splitlines()]


def comparable(answer):
    """Without the sizes of directories, which depend on the file system that the reference uses."""
    text = re.sub(r'^[0-9.]+[BKMG]\t(/memories(?:/.*/)?|/memories.*)$', r'\1', answer['content'],
                  count=1, flags=re.M)
    text = re.sub(r'^[0-9.]+[BKMG]\t(/memories/.*/)$', r'\1', text, flags=re.M)
    return text, answer['is_error']


def same(expected, found):
    # What the system says about a file where a directory is needed is not part of the contract.
    if re.match(r'E[A-Z]+: ', expected['content']):
        return expected['is_error'] and found['is_error']
    return comparable(expected) == comparable(found)


def main():
    program, build = sys.argv[1:]
    node, modules = npm.install(build)
    chance = random.Random(SEED)
    commands = SCRIPT + [random_command(chance) for _ in range(RANDOM_COMMANDS)]
    reference = modules.parent / 'memory_tool_reference.mjs'
    shutil.copy(Path(__file__).parent / reference.name, reference)
    with tempfile.TemporaryDirectory() as folder:
        theirs = run([node, reference, folder + '/reference'], commands)
        subprocess.run([program, '--store', folder + '/store', 'init'], check=True,
                       stdout=subprocess.DEVNULL)
        ours = run([program, '--store', folder + '/store', 'memory-tool', '--lines'], commands)
    differing = 0
    for command, expected, found in zip(commands, theirs, ours, strict=True):
        if same(expected, found):
            continue
        differing += 1
        print(f'{json.dumps(command)}\n  reference: {expected}\n  holdfast:  {found}')
    print(f'{len(commands)} commands, {differing} answered otherwise')
    sys.exit(1 if differing else 0)


if __name__ == '__main__':
    main()
