#!/usr/bin/env python3
"""What sites.py changes, and what it leaves alone."""

import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / 'tidy')]

import sites


def changes(code):
    """'old -> new' of every mutant of a piece of a function."""
    return [f'{mutant.old} -> {mutant.new}' for site in sites.sites_of('a.cc', code)
            for mutant in site.mutants]


def switched(code):
    return sites.mutated(code, sites.sites_of('a.cc', code), 1)[0]


class Sites(unittest.TestCase):
    def test_operators_and_numbers_are_changed(self):
        self.assertEqual(changes('a < b'), ['< -> <=', '< -> >='])
        self.assertEqual(changes('a == b - c'), ['== -> !=', '- -> +'])
        self.assertEqual(changes('a += 7;'), ['+= -> -=', '7 -> 8'])
        self.assertEqual(changes('f(a && b)'), ['&& -> left only', '&& -> right only'])

    def test_what_is_no_operator_is_left_alone(self):
        for code in ('std::vector<int> a;', 'T&& a', '*a', '-a', 'a->b', '// a < b', '"a < b"',
                     '#include <a>', 'x0', '0x10', '1u', '1.5', 'a << b'):
            self.assertEqual(changes(code), [], code)

    def test_what_never_runs_is_left_alone(self):
        for code in ('CHECK(a < (b + 1));', 'static_assert(a == 3);', 'constexpr int kA = 3 + b;',
                     'case 3:', '"text" + a', 'a + "text"', 'std::to_string(a) + b'):
            self.assertEqual(changes(code), [], code)

    def test_switches_stand_in_the_place_of_operators(self):
        self.assertEqual(switched('a < b'), 'a < mutants::Site<1>{} < b')
        self.assertEqual(switched('a += 7;'),
                         'a += mutants::Site<1>{} += mutants::number<2>(7);')

    def test_operands_are_bracketed_as_they_bind(self):
        self.assertEqual(switched('f(a || b);'),
                         'f((!mutants::on(2) && (a)) || (!mutants::on(1) && (b)));')
        self.assertEqual(switched('f(a && b && c);'),
                         'f((mutants::on(2) || (a)) && (mutants::on(1) || (b)) && '
                         '(mutants::on(3) || (c)));')
        self.assertEqual(switched('{return a || b && c;'),
                         '{return (!mutants::on(2) && (a)) || (!mutants::on(1) && (b && '
                         '(mutants::on(3) || (c))));')


if __name__ == '__main__':
    unittest.main()
