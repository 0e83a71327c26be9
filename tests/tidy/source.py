"""Reading C++ well enough for tidy: code without comments and literals, includes, functions.

This is no parser. It knows what this code base writes; tidy_test.py shows what it can see.
"""

import re
from dataclasses import dataclass

# What ends a piece of code: a comment, a raw string, a string, a character.
_LITERAL = re.compile(
    r'//[^\n]*'
    r'|/\*.*?\*/'
    r'|R"(?P<mark>[^()\s\\]*)\(.*?\)(?P=mark)"'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-zA-Z_])(?:u8|[uUL])?'(?:\\.|[^'\\\n])+'",
    re.DOTALL)
_PREPROCESSOR = re.compile(r'^[ \t]*#(?:[^\n]*\\\n)*[^\n]*', re.MULTILINE)
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]')
_LABEL = re.compile(r'\s*(?:(?:public|private|protected)\s*:\s*)*')
_SCOPE = re.compile(
    r'^(?:template\s*<.*?>\s*)?(?:inline\s+)?(?:namespace|class|struct|union|enum|extern)\b',
    re.DOTALL)


@dataclass(frozen=True)
class Include:
    line: int
    name: str
    system: bool  # <name> rather than "name"


@dataclass(frozen=True)
class Function:
    line: int  # of its head
    head: str
    lines: int  # from head to closing brace, both counted


def _blank(match):
    """Spaces of the same shape, so that lines and columns stay."""
    text = match.group(0)
    kept = '"' if text.endswith('"') else ' '
    return kept + re.sub(r'[^\n]', ' ', text[1:-1]) + kept if len(text) > 1 else ' '


def code_of(text):
    """`text` with comments and the inside of literals blanked; same lines, same columns."""
    return _LITERAL.sub(_blank, text)


def includes_of(text):
    found = []
    for number, line in enumerate(text.split('\n'), 1):
        match = _INCLUDE.match(line)
        if match:
            found.append(Include(number, match.group(2), match.group(1) == '<'))
    return found


def line_of(text, offset):
    return text.count('\n', 0, offset) + 1


class Unbalanced(Exception):
    """Braces that do not match: the functions of the file cannot be told."""

    def __init__(self, line):
        super().__init__(line)
        self.line = line


def functions_of(text):
    """The outermost functions of a file; a lambda counts as a part of its function."""
    code = _PREPROCESSOR.sub(_blank, code_of(text))
    found = []
    depth = 0
    head_begin = 0
    function_depth = None  # the depth of the function we are in
    function_begin = 0
    for match in re.finditer(r'[{};]', code):
        at = match.start()
        if match.group() == '{':
            head_begin = _LABEL.match(code, head_begin).end()
            head = code[head_begin:at].strip()
            if function_depth is None and ')' in head and not _SCOPE.match(head):
                function_depth = depth
                function_begin = head_begin
            depth += 1
        elif match.group() == '}':
            depth -= 1
            if depth < 0:
                raise Unbalanced(line_of(code, at))
            if depth == function_depth:
                first = line_of(code, function_begin)
                head = ' '.join(code[function_begin:code.index('{', function_begin)].split())
                found.append(Function(first, head, line_of(code, at) - first + 1))
                function_depth = None
        head_begin = match.end()
    if depth != 0:
        raise Unbalanced(line_of(code, len(code)))
    return found
