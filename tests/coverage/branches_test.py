#!/usr/bin/env python3
"""What branches.py counts, and what it does not."""

import pathlib
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import branches

SOURCE = '''\
Status f(int a, bool b) {
  if (a < 3 || b) return g();
  CHECK(a < 9 && b);
  HOLDFAST_TRY(g());
  switch (a) {
    case 1:
      return g();
  }
  return h();
}
'''
MACROS = '''\
#define CHECK(expression) ((expression) ? 0 : fail())
#define HOLDFAST_TRY(expression) if (auto s = (expression); !s) return s
'''


def branch(span, true, false, file=0):
    return [*span, true, false, file, 0, 4]


class Branches(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        (self.root / 'src' / 'log').mkdir(parents=True)
        (self.root / 'src' / 'log' / 'f.cc').write_text(SOURCE)
        (self.root / 'macros.h').write_text(MACROS)
        self.coverage = branches.Coverage(self.root, ('log',))

    def record(self, *found, count=1):
        code = str(self.root / 'src' / 'log' / 'f.cc')
        macros = str(self.root / 'macros.h')
        return {'filenames': [code, macros, macros], 'branches': list(found),
                'regions': [[1, 25, 10, 2, count, 0, 0, 0], [3, 3, 3, 8, count, 0, 1, 1],
                            [4, 3, 4, 15, count, 0, 2, 1], [1, 27, 1, 60, count, 1, 0, 0],
                            [2, 34, 2, 80, count, 2, 0, 0]]}

    def ways(self):
        return [(each.line, each.ways()) for each in self.coverage.sorted()]

    def test_each_way_of_a_condition_counts(self):
        self.coverage.add(self.record(branch((2, 7, 2, 12), 4, 0)), False)
        self.assertEqual(self.ways(), [(2, {'true': 4, 'false': 0})])
        self.assertEqual(self.coverage.sorted()[0].text, 'a < 3')

    def test_copies_add_up(self):
        for counts in ((4, 0), (0, 2)):
            self.coverage.add(self.record(branch((2, 7, 2, 12), *counts)), False)
        self.assertEqual(self.ways(), [(2, {'true': 4, 'false': 2})])

    def test_of_ended_processes_the_way_that_clang_counts_is_believed(self):
        self.coverage.add(self.record(branch((2, 7, 2, 12), 4, 5), branch((2, 16, 2, 17), 4, 5),
                                      branch((2, 7, 2, 17), 4, 5)), True)
        # Operands of || are counted where they are false, others where they are true.
        self.assertEqual(self.ways(), [(2, {'true': 0, 'false': 5}), (2, {'true': 0, 'false': 5}),
                                       (2, {'true': 4, 'false': 0})])

    def test_a_macro_counts_where_it_is_used_and_check_never(self):
        self.coverage.add(self.record(branch((1, 28, 1, 40), 1, 0, 1),
                                      branch((2, 61, 2, 63), 0, 1, 2)), False)
        self.assertEqual(self.ways(), [(4, {'true': 0, 'false': 1})])

    def test_a_case_has_one_way_and_a_switch_none_beside_its_cases(self):
        self.coverage.add(self.record(branch((5, 11, 5, 12), 0, 3), branch((6, 5, 6, 12), 3, 1)),
                          False)
        self.assertEqual(self.ways(), [(6, {'true': 3})])

    def test_what_runs_and_goes_neither_way_is_constant(self):
        self.coverage.add(self.record(branch((2, 7, 2, 12), 0, 0)), False)
        self.assertEqual(self.ways(), [(2, {})])
        self.setUp()
        self.coverage.add(self.record(branch((2, 7, 2, 12), 0, 0), count=0), False)
        self.assertEqual(self.ways(), [(2, {'true': 0, 'false': 0})])

    def never(self, text):
        list_of = branches.Never(text)
        return list_of.take_out(self.coverage.sorted(), self.coverage.sources)

    def test_the_list_of_what_nothing_takes_is_held_against_the_source(self):
        self.coverage.add(self.record(branch((2, 7, 2, 12), 4, 0)), False)
        taken_out, wrong = self.never('src/log/f.cc: if (a < 3 || b) return g();\n'
                                      '  a < 3 is false: nobody calls it so.\n')
        self.assertEqual((len(taken_out), wrong), (1, []))
        for line, way in (('if (a < 4 || b) return g();', 'false'),
                          ('if (a < 3 || b) return g();', 'true')):
            taken_out, wrong = self.never(f'src/log/f.cc: {line}\n  {way}: nobody does.\n')
            self.assertEqual((len(taken_out), len(wrong)), (0, 1))


if __name__ == '__main__':
    unittest.main()
