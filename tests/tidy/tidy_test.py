#!/usr/bin/env python3
"""Shows that each rule of tidy can fail, and that it leaves good code alone."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import rules
import source

HEADER = '// What it is for.\n#pragma once\n'


def lines_found(rule, path, text):
    return [finding[0] for finding in rule(rules.File(path, text))]


class Arrows(unittest.TestCase):
    def found(self, path, *names):
        text = ''.join(f'#include {name}\n' for name in names)
        return lines_found(rules.check_arrows, path, text)

    def test_arrow_down_is_allowed(self):
        self.assertEqual(self.found('src/store/a.cc', '"tree/tree.h"', '"log/record.h"',
                                    '"os/os.h"', '"base/check.h"', '"store/b.h"', '<vector>'), [])

    def test_arrow_up_is_found(self):
        self.assertEqual(self.found('src/os/a.cc', '"base/check.h"', '"log/record.h"'), [2])
        self.assertEqual(self.found('src/base/a.h', '"memory/kv.h"'), [1])

    def test_arrow_between_neighbours_is_found(self):
        self.assertEqual(self.found('src/tree/a.cc', '"log/record.h"'), [1])

    def test_arrow_of_a_test_beside_its_module_is_checked_too(self):
        self.assertEqual(self.found('src/log/a_test.cc', '"store/store.h"'), [1])

    def test_simulated_machine_is_for_tests(self):
        self.assertEqual(self.found('src/store/a.cc', '"os/sim/disk.h"'), [1])
        self.assertEqual(self.found('apps/holdfast/a.cc', '"os/sim/disk.h"'), [1])
        self.assertEqual(self.found('src/store/a_test.cc', '"os/sim/disk.h"'), [])
        self.assertEqual(self.found('src/os/sim/a.cc', '"os/sim/disk.h"', '"os/os.h"'), [])
        self.assertEqual(self.found('tests/simulation/a_test.cc', '"os/sim/disk.h"'), [])

    def test_public_header_includes_public_headers_only(self):
        self.assertEqual(self.found('include/holdfast/a.h', '"holdfast/status.h"', '<span>'), [])
        self.assertEqual(self.found('include/holdfast/a.h', '"base/check.h"'), [1])

    def test_low_room_does_not_know_the_store(self):
        self.assertEqual(self.found('src/log/a.h', '"holdfast/status.h"'), [])
        self.assertEqual(self.found('src/log/a.h', '"holdfast/store.h"'), [1])
        self.assertEqual(self.found('src/store/a.h', '"holdfast/store.h"'), [])
        self.assertEqual(self.found('src/store/a.h', '"holdfast/observation.h"'), [1])

    def test_room_is_always_named(self):
        self.assertEqual(self.found('src/store/a.cc', '"b.h"'), [1])
        self.assertEqual(self.found('src/store/a.cc', '"../log/b.h"'), [1])
        self.assertEqual(self.found('src/store/a_test.cc', '"support/b.h"'), [])

    def test_unknown_room_is_found(self):
        self.assertEqual(self.found('src/cellar/a.cc'), [1])


class Engine(unittest.TestCase):
    def found(self, path, text):
        return lines_found(rules.check_engine_is_self_contained, path, text)

    def test_third_party_header_in_the_engine_is_found(self):
        self.assertEqual(self.found('src/tree/a.cc', '#include <zstd.h>\n'), [1])
        self.assertEqual(self.found('src/tree/a.cc', '#include <gtest/gtest.h>\n'), [1])
        self.assertEqual(self.found('src/tree/a_test.cc', '#include <gtest/gtest.h>\n'), [])
        self.assertEqual(self.found('src/search/a.cc', '#include <utf8proc.h>\n'), [])
        self.assertEqual(self.found('src/store/a.cc', '#include <openssl/evp.h>\n'), [1])

    def test_libraries_of_blobs_stay_there(self):
        for text in ('#include <zstd.h>\n', '#include <openssl/evp.h>\n'):
            for path, lines in (('src/blob/a.cc', []), ('src/memory/a.cc', [1]), ('bench/a.cc', []),
                                ('src/blob/a_test.cc', [])):
                self.assertEqual(lines_found(rules.check_blob_libraries, path, text), lines)


    def test_signing_library_stays_in_its_module(self):
        for path, lines in (('src/memory/signing.cc', []), ('src/memory/a.cc', [1]),
                            ('src/store/a.cc', [1])):
            found = lines_found(rules.check_signing_library, path, '#include <sodium.h>\n')
            self.assertEqual(found, lines)


class KernelCalls(unittest.TestCase):
    def found(self, text, path='src/store/a.cc'):
        return lines_found(rules.check_kernel_calls, path, text)

    def test_calls_are_found(self):
        for code in ('int fd = open(path, 0);', 'if (::open(path, 0) < 0) return;',
                     'return fsync(fd);', 'x = (pread (fd, b, n, 0));', '  unlink(path);',
                     'syscall(SYS_futex);', 'auto now = std::chrono::steady_clock::now();',
                     'std::random_device device;', 'std::this_thread::sleep_for(delay);',
                     'std::filesystem::remove(path);', 'seed = rand();', 'foo(1, ::getpid());'):
            self.assertEqual(self.found(f'\n{code}\n'), [2], code)

    def test_kernel_headers_are_found(self):
        for name in ('fcntl.h', 'unistd.h', 'sys/mman.h', 'linux/futex.h', 'filesystem'):
            self.assertEqual(self.found(f'#include <{name}>\n'), [1], name)

    def test_members_declarations_and_words_are_left_alone(self):
        for code in ('os.open(path);', 'file->rename(a, b);', 'Store::open(path);',
                     'static Result<Store> open(std::string_view path);', 'Status unlink(int);',
                     'Result<Store> Store::open(std::string_view path) {', '// open(path)',
                     'text = "open(path)";', 'reopen(path);', 'int* open(int);',
                     'std::filesystem_error;', 'open_store(path);'):
            self.assertEqual(self.found(f'{code}\n'), [], code)

    def test_os_tests_and_apps_may_call(self):
        for path in ('src/os/a.cc', 'src/log/a_test.cc', 'apps/holdfast/a.cc', 'bench/a.cc'):
            self.assertEqual(self.found('#include <unistd.h>\nfsync(fd);\n', path), [], path)

    def test_simulated_machine_has_no_clock_and_no_chance(self):
        self.assertEqual(self.found('#include <sys/mman.h>\nmmap(a);\n', 'src/os/sim/a.cc'), [])
        self.assertEqual(self.found('\nx = ::getrandom(b, n);\n', 'src/os/sim/a.cc'), [2])
        self.assertEqual(self.found('std::random_device d;\n', 'src/os/sim/a.cc'), [1])


class Size(unittest.TestCase):
    def test_long_file_is_found(self):
        self.assertEqual(lines_found(rules.check_size, 'src/a.cc', 'x\n' * 800), [])
        self.assertEqual(lines_found(rules.check_size, 'src/a.cc', 'x\n' * 801), [801])

    def test_long_line_is_found(self):
        text = 'x' * 100 + '\n' + 'x' * 101 + '\n'
        self.assertEqual(lines_found(rules.check_size, 'src/a.cc', text), [2])

    def test_long_function_is_found(self):
        def function(lines):
            return '\nint f() {\n' + '  g();\n' * (lines - 2) + '}\n'
        self.assertEqual(lines_found(rules.check_functions, 'src/a.cc', function(70)), [])
        self.assertEqual(lines_found(rules.check_functions, 'src/a.cc', function(71)), [2])

    def test_long_python_function_is_found(self):
        text = 'def f():\n' + '    g()\n' * 70
        self.assertEqual(lines_found(rules.check_functions, 'tests/a.py', text), [1])

    def test_script_without_suffix_is_of_its_language(self):
        text = '#!/usr/bin/env python3\ndef f():\n' + '    g()\n' * 70
        self.assertEqual(lines_found(rules.check_functions, 'scripts/a', text), [2])
        self.assertEqual(lines_found(rules.check_size, 'scripts/a', text + 'x' * 101), [73])
        self.assertEqual(lines_found(rules.check_size, 'LICENSE', 'x' * 101), [])

    def test_unbalanced_braces_are_found(self):
        self.assertEqual(lines_found(rules.check_functions, 'src/a.cc', 'int f() {\n'), [2])
        self.assertEqual(lines_found(rules.check_functions, 'src/a.cc', '}\n'), [1])


class Text(unittest.TestCase):
    def test_characters_beyond_ascii_are_found(self):
        text = '// plain\n// caf\u00e9\n'
        self.assertEqual(lines_found(rules.check_characters, 'src/a.cc', text), [2])
        self.assertEqual(lines_found(rules.check_characters, 'docs/a.md', text), [])

    def test_tabs_and_trailing_blanks_are_found(self):
        self.assertEqual(lines_found(rules.check_characters, 'src/a.cc', '\tx\ny \nz\r\n'),
                         [1, 2, 3])

    def test_header_without_comment_is_found(self):
        self.assertEqual(lines_found(rules.check_header, 'src/a.h', HEADER), [])
        self.assertEqual(lines_found(rules.check_header, 'src/a.h', '#pragma once\n'), [1])

    def test_header_with_code_before_pragma_once_is_found(self):
        text = '// What it is for.\n\n#include <vector>\n#pragma once\n'
        self.assertEqual(lines_found(rules.check_header, 'src/a.h', text), [3])
        self.assertEqual(lines_found(rules.check_header, 'src/a.cc', text), [])

    def test_promises_are_found(self):
        for word in ('TO' 'DO', 'FIX' 'ME', 'XX' 'X'):
            self.assertEqual(lines_found(rules.check_promises, 'docs/a.md', f'\n{word}: x\n'), [2])
        self.assertEqual(lines_found(rules.check_promises, 'src/a.cc', 'f("name-XXXXXX");\n'), [])

    def test_places_outside_of_the_repository_are_found(self):
        for place in ('../sha' 'red/design', '/work/sha' 'red'):
            self.assertEqual(lines_found(rules.check_promises, 'docs/a.md', f'see {place}\n'), [1])

    def test_file_name_in_camel_case_is_found(self):
        self.assertEqual(lines_found(rules.check_file_name, 'src/tree/page_source.h', ''), [])
        self.assertEqual(lines_found(rules.check_file_name, 'src/tree/PageSource.h', ''), [1])


class TestNames(unittest.TestCase):
    def found(self, text, path='src/log/a_test.cc'):
        return lines_found(rules.check_test_names, path, text)

    def test_facts_are_allowed(self):
        self.assertEqual(self.found('TEST(Log, TruncatedTailIsIgnored) {}\n'), [])
        self.assertEqual(self.found('TEST_F(\n    LogTest, Crc32cIsChecked) {}\n'), [])

    def test_names_that_state_no_fact_are_found(self):
        for name in ('basic', 'Basic', 'truncated_tail', 'Truncated_Tail', 'TestOpen'):
            self.assertEqual(self.found(f'\nTEST(Log, {name}) {{}}\n'), [2], name)
        self.assertEqual(self.found('TEST_P(log, TailIsIgnored) {}\n'), [1])


class Rooms(unittest.TestCase):
    def test_room_without_readme_is_found(self):
        paths = ['src/os/os.h', 'src/os/README.md', 'src/os/sim/disk.cc', 'apps/a.cc']
        found = [finding[0] for finding in rules.check_rooms_are_described(paths)]
        self.assertEqual(found, ['src/os/sim/README.md'])


class Root(unittest.TestCase):
    def test_what_a_program_left_is_found(self):
        names = ['README.md', 'LICENSE', '.gitignore', 'CMakeLists.txt', 'quickstart', 'test',
                 'compile_commands.json', 'page.h##0f.gcov', 'core']
        found = [finding[0] for finding in rules.check_root(names)]
        self.assertEqual(found, ['core', 'page.h##0f.gcov'])


class NamedTests(unittest.TestCase):
    def found(self, text):
        files = [rules.File('src/os/a_test.cc', 'TEST_F(Disk, LosesNothing) {\n}\n'),
                 rules.File('docs/failures.md', text), rules.File('docs/format.md', '`Disk.Is`')]
        return [finding[1] for finding in rules.check_named_tests(files)]

    def test_test_that_is_there_may_be_named(self):
        self.assertEqual(self.found('`Disk.LosesNothing`, `All/Disk.LosesNothing`, `Disk.*`, '
                                    '`...Nothing...`, `store.h`, `Disk`'), [])

    def test_test_that_is_not_there_is_found(self):
        self.assertEqual(self.found('`Disk.LosesNothing`\n`Disk.LosesAll`\n`Disc.*`\n'
                                    '`...Everything...`\n'), [2, 3, 4])


class Functions(unittest.TestCase):
    def measured(self, text):
        return [(function.line, function.lines) for function in source.functions_of(text)]

    def test_functions_are_measured_from_head_to_brace(self):
        self.assertEqual(self.measured('int f(int a,\n      int b) {\n  return a;\n}\n'), [(1, 4)])

    def test_scopes_are_not_functions(self):
        text = ('namespace a {\nnamespace {\nclass [[nodiscard]] B : public C<int> {\n public:\n'
                '  int f() const { return 1; }\n};\nenum class D : int { kOne };\n'
                'template <typename T = decltype(g())>\nstruct alignas(64) E {\n};\n'
                'constexpr int kList[] = {\n1, 2};\n}\n}\n')
        self.assertEqual(self.measured(text), [(5, 1)])

    def test_lambda_belongs_to_its_function(self):
        text = 'void f() {\n  auto g = [](int a) {\n    return a;\n  };\n}\nvoid h() {}\n'
        self.assertEqual(self.measured(text), [(1, 5), (6, 1)])

    def test_braces_in_literals_comments_and_macros_are_not_counted(self):
        text = ('#define BEGIN(x) \\\n  { x\nvoid f() {\n  a("{", \'{\', R"x({")x");  // {\n'
                '  /* { */ b(1\'000);\n}\n')
        self.assertEqual(self.measured(text), [(3, 4)])

    def test_constructor_with_brace_initialisers_ends_at_its_brace(self):
        text = 'A::A(int b) : b_{b}, c_(1) {\n  d();\n}\nint e() { return 1; }\n'
        self.assertEqual(self.measured(text)[-1], (4, 1))
        self.assertEqual(max(lines for _, lines in self.measured(text)), 3)

    def test_tests_are_functions(self):
        self.assertEqual(self.measured('TEST(A, B) {\n  c();\n}\n'), [(1, 3)])


if __name__ == '__main__':
    unittest.main()
