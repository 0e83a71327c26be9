"""Where operators can be changed, and the text of a file in which each change is a switch.

Reads the code as clang-format leaves it: a binary operator stands between blanks, and a template's
brackets do not. What does not compile is left out by the caller.
"""

import re
from dataclasses import dataclass

import source

# What each operator is changed into; mutants.h does it.
CHANGES = {
    '<': ('<=', '>='), '<=': ('<', '>'), '>': ('>=', '<='), '>=': ('>', '<'),
    '==': ('!=',), '!=': ('==',), '+': ('-',), '-': ('+',), '*': ('/',), '+=': ('-=',),
    '-=': ('+=',),
}
_OPERATOR = re.compile(r'(?<= )(?:[<>=!+-]=|[<>*+-]|&&|\|\|)(?=[ \n])')
_NUMBER = re.compile(r'(?<![\w.])\d+(?![\w.\'])')
# What only a compiler evaluates, or what says that something cannot happen.
_NOT_RUN = re.compile(r'\b(?:CHECK|static_assert|alignas)\s*(?=\()')
_CONSTANT = re.compile(r'^(?:\s*(?:static|inline)\s+)*\s*constexpr\b[^({;]*=[^;]*;'
                       r'|^\s*case\b[^:]*:|^[ \t]*#[^\n]*|^\s*(?:using|template|enum)\b[^;{]*',
                       re.MULTILINE)
_TEXT_BEFORE = re.compile(r'"\s*$|to_string\([^()]*(?:\([^()]*\))?[^()]*\)\s*$')
_TEXT_AFTER = re.compile(r'\s*(?:"|std::to_string)')


@dataclass(frozen=True)
class Mutant:
    path: str
    line: int
    column: int
    old: str
    new: str

    def __str__(self):
        return f'{self.path}:{self.line}:{self.column} {self.old} -> {self.new}'


@dataclass(frozen=True)
class Site:
    """Edits that make a switch of one place: (begin, end, text with {n}, for the n-th mutant)."""
    mutants: tuple
    edits: tuple


def closing(code, begin):
    """The offset of what closes the bracket at `begin`."""
    depth = 0
    for at in range(begin, len(code)):
        depth += (code[at] in '([{') - (code[at] in ')]}')
        if depth == 0:
            return at
    return len(code)


def blanked(code):
    """`code` without what is not run."""
    spans = [match.span() for match in _CONSTANT.finditer(code)]
    spans += [(match.start(), closing(code, match.end())) for match in _NOT_RUN.finditer(code)]
    for begin, end in spans:
        code = code[:begin] + re.sub(r'[^\n]', ' ', code[begin:end]) + code[end:]
    return code


def operand_end(code, begin, stops):
    """Where the operand that begins there ends."""
    depth = 0
    for at in range(begin, len(code)):
        letter = code[at]
        depth += letter in '([{'
        depth -= letter in ')]}'
        if depth < 0:
            return at
        if depth == 0 and (letter in ';,?' or code.startswith(stops, at) or is_colon(code, at)):
            return len(code[:at].rstrip())
    return len(code)


def operand_begin(code, end):
    """Where the left operand that ends there begins, or None when another `&&` or `||` does."""
    depth = 0
    for at in range(end - 1, -1, -1):
        letter = code[at]
        depth += letter in ')]}'
        depth -= letter in '([{'
        ends = letter in ';,?' or code[at - 1:at + 2] == ' = ' or is_colon(code, at)
        if depth == 0 and code[at:at + 2] in ('&&', '||'):
            return None
        if depth < 0 or (depth == 0 and ends):
            begin = at + 1
            begin += re.match(r'\s*(?:return\b\s*)?', code[begin:]).end()
            return begin
    return None


def is_text(code, begin, end):
    """Whether an operator joins texts, as far as its operands look like it."""
    return _TEXT_BEFORE.search(code[:begin]) or _TEXT_AFTER.match(code[end:])


def is_colon(code, at):
    return code[at] == ':' and ':' not in (code[at - 1:at], code[at + 1:at + 2])


def logical_edits(code, begin, end):
    """An operand that does not count: the right one, and the first of a chain."""
    operator = code[begin:end]
    other = ('', '||') if operator == '&&' else ('!', '&&')
    head = f'({other[0]}mutants::on({{n}}) {other[1]} ('
    stops = ('&&', '||') if operator == '&&' else ('||',)
    right = end + len(code[end:]) - len(code[end:].lstrip())
    last = operand_end(code, right, stops)
    yield 'left only', ((right, right, head, last), (last, last, '))', last))
    left = operand_begin(code, begin)
    if left is not None:
        last = begin - 1
        yield 'right only', ((left, left, head, last), (last, last, '))', last))


def sites_of(path, text):
    """Every Site of a file, in order."""
    code = blanked(source.code_of(text))
    found = []

    def add(begin, old, changes, edits):
        line = source.line_of(code, begin)
        column = begin - (code.rfind('\n', 0, begin) + 1) + 1
        mutants = tuple(Mutant(path, line, column, old, new) for new in changes)
        found.append((begin, Site(mutants, tuple(edits))))

    for match in _OPERATOR.finditer(code):
        begin, end = match.span()
        old = match.group()
        if old in ('&&', '||'):
            for new, edits in logical_edits(code, begin, end):
                add(begin, old, (new,), edits)
        elif not (old in '+=' and is_text(code, begin, end)):
            text_of = f'{old} mutants::Site<{{n}}>{{{{}}}} {old}'
            add(begin, old, CHANGES[old], [(begin, end, text_of, end)])
    for match in _NUMBER.finditer(code):
        value = int(match.group())
        add(match.start(), str(value), (str(value + 1),),
            [(match.start(), match.end(), f'mutants::number<{{n}}>({value})', match.end())])
    return [site for _, site in sorted(found, key=lambda each: each[0])]


def mutated(text, sites, first):
    """`text` with a switch for each site, numbered from `first`; and {number: Mutant}."""
    numbers = {}
    edits = []
    for site in sites:
        number = first + len(numbers)
        numbers.update(enumerate(site.mutants, number))
        edits += [(begin, end, new.format(n=number), last) for begin, end, new, last in site.edits]
    # At one place, what closes stands before what opens, and what reaches farther opens first.
    edits.sort(key=lambda edit: (edit[0], edit[2] != '))', edit[1] != edit[0], -edit[3]))
    parts = []
    at = 0
    for begin, end, new, _ in edits:
        parts += [text[at:begin], new]
        at = end
    return ''.join(parts) + text[at:], numbers
