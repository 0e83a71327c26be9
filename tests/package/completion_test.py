#!/usr/bin/env python3
"""What the shells offer behind words of a command line, by the completions that the program prints,
and whether its manual page is one. Shells that are not installed are not asked.

Usage: completion_test.py PROGRAM
"""
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TIMEOUT_S = 60
PROGRAM = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else None

# A command line up to the cursor, something that is offered there, and something that is not.
OFFERED = [
    ('holdfast ', ['remember', 'hook'], ['install', '--client']),
    ('holdfast --', ['--store', '--space'], ['--client', 'remember']),
    ('holdfast re', ['remember', 'recall'], ['hook']),
    ('holdfast hook ', ['install', 'prompt'], ['remember']),
    ('holdfast hook install --', ['--client', '--dry-run', '--json'], ['--tokens']),
    ('holdfast hook install --client ', ['claude-code', 'codex', 'gemini-cli'], ['--dry-run']),
    ('holdfast hook install --client c', ['claude-code', 'codex'], ['gemini-cli']),
    ('holdfast --store hook recall --', ['--limit', '--durability'], ['--client']),
    ('holdfast recall --durability ', ['strict', 'batched'], ['--limit']),
    ('holdfast cache run --', ['--ttl'], ['--input']),
    ('holdfast link of --direction ', ['in', 'out', 'both'], ['--limit']),
]
NO_WORDS = ['holdfast --space ', 'holdfast recall --limit ']  # anything, so nothing of ours


def run(*words, text=None):
    done = subprocess.run(words, input=text, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=TIMEOUT_S)
    assert done.returncode == 0 and not done.stderr, (words[0], done.returncode, done.stderr)
    return done.stdout


def words_of(line):
    """As a shell has them: what comes behind a space is a word, if only an empty one."""
    return line.split(' ')


class Completion(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def script(self, shell):
        if shutil.which(shell) is None:
            self.skipTest(f'{shell} is not installed')
        path = Path(self.folder.name) / 'completion'
        path.write_text(run(PROGRAM, 'reference', '--format', shell))
        return path

    def check(self, offered_behind):
        for line, wanted, unwanted in OFFERED:
            offered = offered_behind(line)
            self.assertLessEqual(set(wanted), set(offered), line)
            self.assertFalse(set(unwanted) & set(offered), line)
        for line in NO_WORDS:
            self.assertFalse(set(offered_behind(line)) & {'remember', '--json', '--limit'}, line)

    def test_bash(self):
        script = self.script('bash')

        def offered_behind(line, words=None):
            words = words or words_of(line)
            return run('bash', '-c', f'source {script}; COMP_WORDS=({shlex.join(words)}); '
                       f'COMP_CWORD={len(words) - 1}; _holdfast; '
                       'printf "%s\\n" "${COMPREPLY[@]}"').splitlines()

        self.check(offered_behind)
        # Bash takes "--client=c" for three words.
        for words in (['--client', '=', 'c'], ['--client', '=']):
            offered = offered_behind('', ['holdfast', 'hook', 'install', *words])
            self.assertIn('codex', offered)

    def test_zsh(self):
        script = self.script('zsh')

        def offered_behind(line):
            words = words_of(line)
            shell = ('compadd() { if [[ $1 == -a ]]; then print -l -- ${(P)2}; '
                     'else shift; print -l -- "$@"; fi }; _files() { : }; '
                     f'words=({shlex.join(words)}); CURRENT={len(words)}; source {script}')
            # zsh itself leaves out what does not begin so.
            return [word for word in run('zsh', '-f', '-c', shell).splitlines()
                    if word.startswith(words[-1])]

        self.check(offered_behind)

    def test_fish(self):
        script = self.script('fish')

        def offered_behind(line):
            said = run('fish', '--no-config', '-c',
                       f'source {script}; complete -C {shlex.quote(line)}')
            return [offer.split('\t')[0] for offer in said.splitlines()]

        self.check(offered_behind)

    def test_manual_page(self):
        page = Path(self.folder.name) / 'holdfast.1'
        page.write_text(run(PROGRAM, 'reference', '--format', 'man'))
        if shutil.which('man') is None:
            self.skipTest('man is not installed')
        # man says on stderr what it does not understand.
        shown = run('man', '--warnings=w', '-E', 'UTF-8', '-l', str(page))
        for text in ('SYNOPSIS', 'holdfast hook install', '--client claude-code|codex|gemini-cli'):
            self.assertIn(text, shown)


if __name__ == '__main__':
    unittest.main(argv=sys.argv[:1])
