"""The rules of tidy. A rule takes a File and yields (line, what is wrong, what to do)."""

import ast
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

import source

FILE_LINES_MAX = 800
FUNCTION_LINES_MAX = 70
LINE_COLUMNS_MAX = 100

# Rooms and their height: a room may include itself and what is lower. Rooms of one height do not
# know each other.
ROOM_HEIGHT = {
    'base': 0,
    'os': 1,
    'vector': 1,
    'model': 2,
    'os/sim': 2,
    'log': 2,
    'tree': 2,
    'store': 3,
    'blob': 4,
    'search': 4,
    'care': 5,
    'memory': 5,
    'embed': 6,
}
TOP = 7  # apps, bench and tests: above every room

# Rooms that need libc and the C++ library, nothing else.
ENGINE = ('base', 'os', 'os/sim', 'log', 'tree', 'store', 'care')

# The lowest room that may include a public header. What is not listed belongs to the layers.
PUBLIC_HEADER_ROOM = {'status.h': 'base', 'transaction.h': 'store', 'store.h': 'store',
                      'diff.h': 'store', 'history.h': 'store', 'load.h': 'store',
                      'watch.h': 'store', 'care.h': 'care', 'blob.h': 'blob',
                      'vector.h': 'vector'}
PUBLIC_HEADER_ROOM_OTHERS = 'search'

# Headers through which a file could reach the kernel behind the back of os/.
KERNEL_HEADER = re.compile(
    r'^(?:sys/(?!types\.h)|linux/|asm/)'
    r'|^(?:fcntl|unistd|dirent|poll|pthread|sched|signal|spawn|time|aio|semaphore|termios)\.h$'
    r'|^(?:ctime|csignal|fstream|filesystem)$')

# Calls that only os/ makes. Named with or without "::", not as a member.
KERNEL_CALLS = (
    'open openat creat pread pwrite preadv pwritev fsync fdatasync sync_file_range syncfs '
    'ftruncate fallocate posix_fallocate mmap munmap msync madvise mremap futex syscall fcntl '
    'flock ioctl rename renameat unlink unlinkat rmdir mkdir mkdtemp mkstemp opendir readdir '
    'fstat fstatat statfs fstatfs fopen fdopen freopen tmpfile clock_gettime gettimeofday '
    'getpid getppid gettid fork vfork kill getenv setenv rand srand random srandom getrandom '
    'getentropy usleep nanosleep clock_nanosleep sleep sched_yield shm_open memfd_create').split()
# What would make a simulation differ from one run to the next.
CHANCE_CALLS = (
    'clock_gettime gettimeofday rand srand random srandom getrandom getentropy usleep nanosleep '
    'clock_nanosleep sleep sched_yield').split()
KERNEL_NAMES = re.compile(
    r'\bstd::random_device\b'
    r'|\b(?:system|steady|high_resolution|utc|file)_clock::now\b'
    r'|\bstd::this_thread::(?:sleep_for|sleep_until|yield)\b'
    r'|\bstd::filesystem\b'
    r'|\bstd::[io]?fstream\b')
_CALL = re.compile(r'(?P<before>[\w\]>:.*&,-]*)[ \t]*'
                   r'\b(?P<name>' + '|'.join(KERNEL_CALLS) + r')\s*\(')
# A word before the name makes it a declaration, unless it is one of these.
_NOT_A_TYPE = ('return', 'co_return', 'else', 'do', 'throw', 'case')

_TEST = re.compile(r'^TEST(?:_F|_P)?\(\s*(\w+)\s*,\s*(\w+)\s*\)', re.MULTILINE)
_CAMEL = re.compile(r'[A-Z][A-Za-z0-9]*')
_SNAKE = re.compile(r'[a-z][a-z0-9_]*')
_LATER = re.compile(r'\b(?:TO' r'DO|FIX' r'ME|XX' r'X)\b')
_OUTSIDE = re.compile(r'\.\./sha' r'red\b|/work/sha' r'red\b')


@dataclass(frozen=True)
class File:
    path: str  # from the root of the repository
    text: str

    @cached_property
    def name(self):
        return PurePosixPath(self.path).name

    @cached_property
    def suffix(self):
        """Of a script without one, that of its language."""
        suffix = PurePosixPath(self.path).suffix
        if suffix or not self.text.startswith('#!'):
            return suffix
        return '.py' if 'python' in self.lines[0] else '.sh'

    @property
    def is_cpp(self):
        return self.suffix in ('.h', '.cc')

    @property
    def is_header(self):
        return self.suffix == '.h'

    @property
    def is_test(self):
        return self.path.startswith('tests/') or self.name.endswith('_test.cc')

    @cached_property
    def room(self):
        """'tree' for src/tree/page.cc; None outside of src/."""
        parts = PurePosixPath(self.path).parent.parts
        return '/'.join(parts[1:]) if parts and parts[0] == 'src' else None

    @cached_property
    def code(self):
        return source.code_of(self.text)

    @cached_property
    def lines(self):
        return self.text.split('\n')


def include_room(name):
    """The room that an include names: 'os/sim/disk.h' -> 'os/sim'."""
    return str(PurePosixPath(name).parent)


def check_arrows(file):
    """Dependencies point down only."""
    if not file.is_cpp:
        return
    if file.room is not None and file.room not in ROOM_HEIGHT:
        yield 1, f'room {file.room} is unknown', 'give it a height in tests/tidy/rules.py'
        return
    for include in source.includes_of(file.text):
        if not include.system:
            complaint = arrow_complaint(file, include_room(include.name), include.name)
            if complaint:
                yield include.line, *complaint


def arrow_complaint(file, room, name):
    """(what, what to do) for an include of `name`, which is in `room`, or None."""
    if file.path.startswith('include/'):
        if room == 'holdfast':
            return None
        return f'public header includes "{name}"', 'include public headers only; forward-declare'
    if room == 'os/sim' and file.room != 'os/sim' and not file.is_test:
        return f'"{name}" is for tests', 'program against os/os.h'
    if file.room is None:
        return None
    if room == 'holdfast':
        owner = PUBLIC_HEADER_ROOM.get(PurePosixPath(name).name, PUBLIC_HEADER_ROOM_OTHERS)
        if ROOM_HEIGHT[owner] > ROOM_HEIGHT[file.room]:
            return f'{file.room} includes "{name}" of a higher room', 'move what it needs down'
        return None
    if room not in ROOM_HEIGHT:
        if file.is_test and room == 'support':
            return None
        return f'include of "{name}" names no room', 'write "room/file.h" or "holdfast/file.h"'
    if room == file.room or (room == 'os/sim' and file.is_test):
        return None
    if ROOM_HEIGHT[room] < ROOM_HEIGHT[file.room]:
        return None
    return (f'{file.room} includes "{name}": the arrow points {direction(file.room, room)}',
            'move what both need to a lower room')


def direction(from_room, to_room):
    return 'up' if ROOM_HEIGHT[to_room] > ROOM_HEIGHT[from_room] else 'sideways'


def check_engine_is_self_contained(file):
    """Engine rooms stand on libc and the C++ library alone."""
    if file.room not in ENGINE:
        return
    allowed = ('gtest/', 'gmock/') if file.is_test else ()
    third_party = re.compile(r'^(?:gtest|gmock|benchmark|nlohmann|CLI|absl|boost|fmt|hwy)/'
                             r'|^openssl/'
                             r'|^(?:utf8proc|libstemmer|zlib|zstd|lmdb|sqlite3|curl/curl)\.h$')
    for include in source.includes_of(file.text):
        if third_party.match(include.name) and not include.name.startswith(allowed or ('\0',)):
            yield include.line, f'engine room includes <{include.name}>', 'write it, or move it up'


def check_blob_libraries(file):
    """Of the rooms only blob knows libcrypto and libzstd."""
    if file.room is None or file.room == 'blob':
        return
    for include in source.includes_of(file.text):
        if re.match(r'^openssl/|^zstd\.h$', include.name):
            yield include.line, f'<{include.name}> outside of blob', 'ask blob/ for what it gives'


def check_signing_library(file):
    """Of the rooms only memory/signing.cc knows libsodium."""
    if file.room is None or file.path == 'src/memory/signing.cc':
        return
    for include in source.includes_of(file.text):
        if include.name == 'sodium.h':
            yield include.line, '<sodium.h> outside of signing', 'ask holdfast/signature.h'


def check_kernel_calls(file):
    """Only os/ talks to the kernel, so the simulated machine sees everything. That machine may use
    memory and processes of the kernel, but neither its clock nor its randomness."""
    if not file.is_cpp or file.is_test or not file.path.startswith(('src/', 'include/')):
        return
    if file.room == 'os':
        return
    simulated = file.room == 'os/sim'
    advice = 'take it from the seed' if simulated else 'go through os/os.h'
    for include in source.includes_of(file.text):
        if include.system and not simulated and KERNEL_HEADER.match(include.name):
            yield include.line, f'<{include.name}> reaches the kernel', advice
    for match in KERNEL_NAMES.finditer(file.code):
        yield source.line_of(file.code, match.start()), f'{match.group()} outside of os/', advice
    for match in _CALL.finditer(file.code):
        if simulated and match['name'] not in CHANCE_CALLS:
            continue
        if is_call(match['before']):
            line = source.line_of(file.code, match.start('name'))
            yield line, f'{match["name"]}( outside of os/', advice


def is_call(before):
    """Tells a call of libc from a member, another namespace's function, and a declaration."""
    if before.endswith('::'):
        return not re.search(r'[\w>]$', before[:-2])
    if before.endswith(('.', '->')):
        return False
    word = re.split(r'[^\w>\]*&]', before)[-1]
    return word == '' or word in _NOT_A_TYPE


def check_size(file):
    """Small files, small functions, short lines."""
    if file.suffix not in ('.h', '.cc', '.py'):
        return
    count = len(file.lines) - (file.lines[-1] == '')
    if count > FILE_LINES_MAX:
        yield count, f'file has {count} lines (at most {FILE_LINES_MAX})', 'split it'
    for number, line in enumerate(file.lines, 1):
        if len(line) > LINE_COLUMNS_MAX:
            yield number, f'line has {len(line)} columns (at most {LINE_COLUMNS_MAX})', 'break it'


def check_functions(file):
    """Functions fit a screen."""
    try:
        for function in functions_in(file):
            if function.lines > FUNCTION_LINES_MAX:
                yield (function.line, f'function has {function.lines} lines (at most '
                       f'{FUNCTION_LINES_MAX}): {function.head[:60]}', 'split it by what it does')
    except source.Unbalanced as unbalanced:
        yield (unbalanced.line, 'braces do not balance, so functions cannot be measured',
               'keep braces whole within each #if branch')


def functions_in(file):
    if file.is_cpp:
        yield from source.functions_of(file.text)
    elif file.suffix == '.py':
        for node in ast.walk(ast.parse(file.text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield source.Function(node.lineno, node.name, node.end_lineno - node.lineno + 1)


def check_characters(file):
    """Sources are ASCII, without tabs and trailing blanks."""
    if not (file.is_cpp or file.suffix in ('.py', '.sh', '.cmake')):
        return
    for number, line in enumerate(file.lines, 1):
        if not line.isascii():
            column = next(i for i, c in enumerate(line) if not c.isascii())
            yield number, f'not ASCII: U+{ord(line[column]):04X}', 'write ASCII, or an escape'
        if '\t' in line or '\r' in line or line != line.rstrip():
            yield number, 'tab, carriage return or trailing blank', 'remove it'


def check_header(file):
    """A header begins with what it is for, then #pragma once."""
    if not file.is_header:
        return
    if not file.text.startswith('//'):
        yield 1, 'header begins without a comment', 'say what it is for and who may use it'
    for number, line in enumerate(file.lines, 1):
        if line.startswith('//') or not line.strip():
            continue
        if line.strip() != '#pragma once':
            yield number, 'header has code before #pragma once', 'put it after the first comment'
        break


def check_promises(file):
    """What is to be done is done, or an issue; what is needed is here."""
    for number, line in enumerate(file.lines, 1):
        match = _LATER.search(line)
        if match:
            yield number, f'{match.group()} in the code', 'do it, or write an issue'
        if _OUTSIDE.search(line):
            yield number, 'names a place outside of the repository', 'say it in your own words'


def check_test_names(file):
    """A test is named as the fact that it shows."""
    if not file.is_test or not file.is_cpp:
        return
    for match in _TEST.finditer(file.code):
        line = source.line_of(file.code, match.start())
        suite, name = match.groups()
        if not _CAMEL.fullmatch(suite) or not _CAMEL.fullmatch(name):
            yield line, f'test {suite}.{name} is not CamelCase', 'write TruncatedTailIsIgnored'
        elif len(re.findall(r'[A-Z]', name)) < 2 or name.startswith('Test'):
            yield line, f'test {suite}.{name} states no fact', 'write TruncatedTailIsIgnored'


def check_file_name(file):
    """File names are snake_case."""
    stem = PurePosixPath(file.path).stem
    if (file.is_cpp or file.suffix == '.py') and not _SNAKE.fullmatch(stem):
        yield 1, f'file name {file.name} is not snake_case', 'rename it'


_ROOT_NAME = re.compile(r'\..+|[A-Z]+(\.md)?|CMakeLists\.txt|CMakePresets\.json|quickstart|test')


def check_root(names):
    """What programs leave behind is not mistaken for source. Takes the names of the files beside
    README.md; yields (path, line, what, what to do)."""
    for name in sorted(names):
        if not _ROOT_NAME.fullmatch(name) and name != 'compile_commands.json':
            yield name, 1, 'lies in the root', 'remove it, or give it a folder'


def check_rooms_are_described(paths):
    """Every room has a README. Takes all paths; yields (path, line, what, what to do)."""
    paths = set(paths)
    rooms = {str(PurePosixPath(path).parent) for path in paths
             if path.startswith('src/') and PurePosixPath(path).suffix in ('.h', '.cc')}
    for room in sorted(rooms):
        if f'{room}/README.md' not in paths:
            yield (f'{room}/README.md', 1, 'is missing',
                   'say what lives there, who may call it, what it may call')


# In backquotes: `Suite.Name`, `Prefix/Suite.Name`, `Suite.*`, and a part of a name, `...Part...`.
_NAMED_TEST = re.compile(r'`(?:\w+/)?([A-Z]\w*)\.(\*|[A-Z]\w*)`')
_NAMED_PART = re.compile(r'`\.\.\.(\w+)\.\.\.`')
DOCUMENTS_THAT_NAME_TESTS = ('docs/failures.md', 'docs/guarantees.md', 'docs/recovery.md')


def check_named_tests(files):
    """A document that says which test shows something names tests that there are. Takes all files;
    yields (path, line, what, what to do)."""
    tests = {match.groups() for file in files if file.is_test and file.is_cpp
             for match in _TEST.finditer(file.code)}
    suites = {suite for suite, _ in tests}
    advice = 'name the test that shows it'
    for file in files:
        if file.path not in DOCUMENTS_THAT_NAME_TESTS:
            continue
        for number, line in enumerate(file.lines, 1):
            for suite, name in _NAMED_TEST.findall(line):
                if (suite, name) not in tests and (name != '*' or suite not in suites):
                    yield file.path, number, f'there is no test {suite}.{name}', advice
            for part in _NAMED_PART.findall(line):
                if not any(part in name for _, name in tests):
                    yield file.path, number, f'there is no test with {part} in its name', advice


FILE_RULES = (
    check_arrows,
    check_engine_is_self_contained,
    check_blob_libraries,
    check_signing_library,
    check_kernel_calls,
    check_size,
    check_functions,
    check_characters,
    check_header,
    check_promises,
    check_test_names,
    check_file_name,
)
