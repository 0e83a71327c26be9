#!/usr/bin/env python3
"""Types again what a document says was typed, and compares what is printed.

In Markdown what is typed stands behind '    $ ', and '    > ' where it goes on; in a recording
(.txt) without the indent. What is printed follows.

Usage: guide_test.py PROGRAM DOCUMENT [--write]      --write: put what is printed now into it
"""
import difflib
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

END = 'end-of-command'
TIMEOUT_S = 300
# What is different each time, and what stands for it. The order matters.
MASKS = [
    (r'[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}', 'ID'),
    (r'[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}', 'ID'),
    (r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?=  )', 'TIME'.ljust(19)),  # the column of a table
    (r'\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?Z?)?', 'TIME'),
    (r'\d{4}-\d\d-\d\d', 'DAY'),
    (r'(bash|environment): line \d+: +\d+ Killed.*', 'Killed'),
    (r'\b(pid|process) \d+', r'\1 PID'),
    (r'\bversion \d+', 'version N'),
    (r'\b[0-9a-f]{128}\b', 'SIGNATURE'),
    (r'\b[0-9a-f]{64}\b', 'HASH'),
    (r'\bscore of \d\.\d+', 'score of SCORE'),
    (r'"(seconds|\w+_per_second|\w+_per_sync|(p50|p99|open)_us)":[\d.]+', r'"\1":N'),
    (r'_us":[1-9]\d{9,}', '_us":TIME'),
    (r'"((\w+_)?(version|bytes|pages|records|keys|token|pages_held))":\d+', r'"\1":N'),
    (r'\b\d\.\d{6,}', 'NUMBER'),
    (r'(?<=  )\d\.\d\d$', 'SCORE'),
]


def masked(text, scratch):
    text = text.replace(str(scratch), '/home/ada')
    for pattern, name in MASKS:
        text = re.sub(pattern, name, text, flags=re.MULTILINE)
    return text


def type_in(program, commands):
    """What each command prints, in one shell."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder).resolve()
        (scratch / 'bin').mkdir()
        (scratch / 'bin/holdfast').symlink_to(Path(program).resolve())
        script = ''.join(f'{command}\necho {END}\n' for command in commands)
        done = subprocess.run(
            ['bash'], input=script, text=True, cwd=scratch, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=TIMEOUT_S,
            env={'HOME': str(scratch), 'PATH': f'{scratch}/bin:{os.environ["PATH"]}',
                 'LC_ALL': 'C.UTF-8', 'USER': 'ada'})
        parts = masked(done.stdout, scratch).split(f'{END}\n')
    if len(parts) != len(commands) + 1:
        sys.exit(f'the shell ended early:\n{done.stdout}')
    return parts[:-1]


class Document:
    """Pieces: a line of prose, or a command with what it prints."""

    def __init__(self, text, indent):
        self.indent = indent
        self.pieces = []
        typed = None
        for line in text.split('\n'):
            if line.startswith(f'{indent}$ '):
                typed = [line[len(indent) + 2:]]
                self.pieces.append(typed)
            elif typed is not None and line.startswith(f'{indent}> '):
                typed.append(line[len(indent) + 2:])
            elif typed is None or (indent and not line.startswith(indent)):
                typed = None
                self.pieces.append(line)

    def commands(self):
        return ['\n'.join(piece) for piece in self.pieces if isinstance(piece, list)]

    def text_with(self, printed):
        lines = []
        for piece in self.pieces:
            if isinstance(piece, str):
                lines.append(piece)
                continue
            lines.append(f'{self.indent}$ {piece[0]}')
            lines.extend(f'{self.indent}> {line}' for line in piece[1:])
            lines.extend((self.indent + line).rstrip() for line in printed.pop(0).splitlines())
        return '\n'.join(lines).rstrip('\n') + '\n'


def main():
    program, path = sys.argv[1:3]
    text = Path(path).read_text()
    document = Document(text, '' if path.endswith('.txt') else '    ')
    again = document.text_with(type_in(program, document.commands()))
    if '--write' in sys.argv[3:]:
        Path(path).write_text(again)
    elif again != text:
        print(*difflib.unified_diff(text.split('\n'), again.split('\n'), path, 'printed now',
                                    lineterm=''), sep='\n')
        sys.exit(f'{path} is not what is printed: scripts/document writes it anew')


if __name__ == '__main__':
    main()
