"""The branches of the source, as clang's coverage mapping tells of them, and which were taken.

A branch is one way out of a condition: of an operand of && or ||, of an if, of a loop, of ?:, and a
case of a switch. What the compiler adds, destruction and exceptional edges, is none. Not counted:
what stands in CHECK, for nothing that can happen takes it (src/base/check.h); that a switch finds
no case, for -Wswitch has all named; what is constant; and the ways on the list of those that
nothing can take, see `Never`.

clang counts one way of each condition and takes the other for the rest. Where processes are ended
in the middle that is wrong: who dies between the condition's beginning and its end has gone
neither way. So of programs in which they are, only the way that is counted is believed.
"""

import collections
import os
import pathlib
import re
from dataclasses import dataclass, field

CODE, EXPANSION = 0, 1
HELPER = re.compile(r'(?:.*_test\.cc|test_\w+\.h|faulty_os\.h)')
WAYS = ('true', 'false')


@dataclass
class Condition:
    """Of one place; what templates and inclusions make of it adds up."""
    path: str
    line: int
    text: str  # '' where a macro has it
    is_case: bool = False
    counts: list = field(default_factory=lambda: [0, 0])
    is_constant: bool = True  # in all copies

    def ways(self):
        """{way: how often it was taken}"""
        if self.is_constant:
            return {}
        return dict(zip(WAYS[:1] if self.is_case else WAYS, self.counts))


class Sources:
    def __init__(self, root):
        self.root = root
        self.files = {}

    def lines(self, path):
        if path not in self.files:
            self.files[path] = pathlib.Path(path).read_text().split('\n')
        return self.files[path]

    def text(self, path, span):
        first, begin, last, end = span
        lines = self.lines(path)[first - 1:last]
        lines[-1] = lines[-1][:end - 1]
        lines[0] = lines[0][begin - 1:]
        return ' '.join(line.strip() for line in lines)

    def name(self, path):
        """'src/log/reader.cc'"""
        return os.path.relpath(os.path.normpath(path), self.root)


class Function:
    """One record of llvm-cov's export: its files are the file, and each expansion of a macro."""

    def __init__(self, record):
        self.files = record['filenames']
        self.branches = record['branches']
        self.regions = record['regions']
        self.expanded_at = {region[6]: (region[5], region[0], region[1])
                            for region in self.regions if region[7] == EXPANSION}

    def chain(self, file, line, column):
        """Where that stands: [(file, line, column)], at last in no macro."""
        places = [(file, line, column)]
        while file in self.expanded_at:
            file, line, column = self.expanded_at[file]
            places.append((file, line, column))
        return places

    def is_reached(self, branch):
        """Whether the piece of code around it ran. Where it did and the branch was taken neither
        way, its condition is a constant."""
        place = tuple(branch[:2])
        around = [region for region in self.regions
                  if region[7] == CODE and region[5] == branch[6]
                  and tuple(region[:2]) <= place < tuple(region[2:4])]
        innermost = max(around, key=lambda region: (tuple(region[:2]), -region[2], -region[3]),
                        default=None)
        return innermost is not None and innermost[4] > 0


class Coverage:
    def __init__(self, root, rooms):
        self.rooms = rooms
        self.sources = Sources(root)
        self.conditions = {}

    def add(self, record, with_ends):
        """`with_ends`: processes were ended in the middle."""
        function = Function(record)
        if not self.is_ours(function.files[0]):
            return
        seen = collections.Counter()
        for branch in function.branches:
            places = function.chain(branch[6], *branch[:2])
            named = tuple((function.files[file], line, column) for file, line, column in places)
            if self.never_counts(named):
                continue
            key = named + tuple(branch[2:4])
            seen[key] += 1
            self.add_branch(function, branch, named, (key, seen[key]), with_ends)

    def is_ours(self, path):
        parts = pathlib.Path(self.sources.name(path)).parts
        return (len(parts) == 3 and parts[0] == 'src' and parts[1] in self.rooms and
                not HELPER.fullmatch(parts[2]))

    def never_counts(self, places):
        text = self.sources.lines(places[0][0])[places[0][1] - 1]
        if re.search(r'\bswitch \($', text[:places[0][2] - 1]):
            return True
        return any(self.sources.lines(path)[line - 1].startswith('CHECK(', column - 1)
                   for path, line, column in places[1:])

    def is_operand_of_or(self, path, span):
        first, begin, last, end = span
        lines = self.sources.lines(path)
        before = ' '.join(lines[max(0, first - 2):first - 1] + [lines[first - 1][:begin - 1]])
        behind = ' '.join([lines[last - 1][end - 1:]] + lines[last:last + 1])
        return before.rstrip().endswith('||') or behind.lstrip().startswith('||')

    def add_branch(self, function, branch, named, key, with_ends):
        if key not in self.conditions:
            path, line, _ = named[-1]
            text = self.sources.text(path, branch[:4]) if len(named) == 1 else ''
            is_case = bool(re.match(r'(?:case|default)\b', text))
            self.conditions[key] = Condition(self.sources.name(path), line, text, is_case)
        condition = self.conditions[key]
        counts = branch[4:6]
        if with_ends:
            counts[0 if self.is_operand_of_or(named[0][0], branch[:4]) else 1] = 0
        condition.counts = [old + new for old, new in zip(condition.counts, counts)]
        if any(branch[4:6]) or not function.is_reached(branch):
            condition.is_constant = False

    def sorted(self):
        # A copy that never ran says nothing of whether a constant is one.
        return sorted(self.conditions.values(), key=lambda each: (each.path, each.line))


@dataclass(frozen=True)
class Entry:
    path: str
    line_text: str
    condition: str
    way: str
    reason: str

    def __str__(self):
        return f'{self.path}: {self.line_text} [{self.condition}, {self.way}]'


_HEAD = re.compile(r'(src/\S+): (.*)')
_WAY = re.compile(r'\s+(?:(.+) is )?(true|false|taken|an error): (.*)')


class Never:
    """Ways that nothing can take, each with its reason. Text:

    src/log/reader.cc: if (next == nullptr) return {};
      next == nullptr is true: who calls it has ...
        and so on

    The line stands in that file once. Of a line with one condition, `true:` or `false:` will do, of
    HOLDFAST_TRY and HOLDFAST_ASSIGN `an error:`.
    """

    def __init__(self, text):
        self.entries = []
        head = None
        for number, line in enumerate(text.split('\n'), 1):
            if not line.strip() or line.startswith('#'):
                continue
            if match := _HEAD.fullmatch(line):
                head = match
            elif head and (match := _WAY.fullmatch(line)):
                self.entries.append(Entry(head[1], head[2], match[1] or '', match[2], match[3]))
            elif not (self.entries and line.startswith('    ')):
                raise SystemExit(f'never.txt:{number}: this is no entry: {line}')

    def take_out(self, conditions, sources):
        """{(id of a condition, way)}, and what is wrong with the list."""
        taken_out = set()
        wrong = []
        for entry in self.entries:
            path = sources.root / entry.path
            lines = sources.lines(str(path)) if path.exists() else []
            places = [at for at, line in enumerate(lines, 1) if line.strip() == entry.line_text]
            if len(places) != 1:
                wrong.append(f'{entry}: the line stands {len(places)} times there')
                continue
            found = [each for each in conditions if each.path == entry.path and
                     each.line == places[0] and entry.condition in ('', each.text) and each.ways()]
            way = 'true' if entry.way in ('taken', 'an error') else entry.way
            if len(found) != 1:
                wrong.append(f'{entry}: there are {len(found)} such conditions')
            elif found[0].ways().get(way, 1) > 0:
                wrong.append(f'{entry}: a test has taken it')
            else:
                taken_out.add((id(found[0]), way))
        return taken_out, wrong
