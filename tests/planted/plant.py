"""Makes the planted copies of the engine's files.

  plant.py --names                   the names of the faults, a line each
  plant.py --files                   the files that have faults, below src/, a line each
  plant.py --write SOURCE OUTPUT     copies of those files of SOURCE (src/) and faults.cc in OUTPUT

A fault that cannot be planted, because its place has changed, is one that faults.cc says why of:
the test planted.<name> fails, not the build.
"""

import pathlib
import re
import sys

import faults

HEAD = 'extern int planted_fault;\n#line 1 "{path}"\n'


def pattern_of(text):
    """Matches `text` however it is broken into lines, and with comments between them."""
    gap = r'\s*(?://[^\n]*\n\s*)*'
    tokens = re.findall(r'\w+|[^\w\s]', text)
    parts = [re.escape(tokens[0])]
    for before, token in zip(tokens, tokens[1:]):
        words = before[-1].isalnum() and token[0].isalnum()
        parts.append((r'\s+' if words else gap) + re.escape(token))
    return re.compile(''.join(parts))


def find_edits(texts):
    """({file: [(begin, end, replacement)]}, {fault: why it cannot be planted})."""
    edits = {file: [] for file in texts}
    problems = {}
    for number, fault in enumerate(faults.FAULTS, 1):
        for edit in fault.edits:
            found = list(pattern_of(edit.old).finditer(texts[edit.file]))
            if len(found) != 1:
                problems[fault.name] = (f'src/{edit.file} has {len(found)} places like "{edit.old}"'
                                        ': bring tests/planted/faults.py up to date')
                continue
            new = edit.new.replace('PLANTED', f'(planted_fault == {number})')
            edits[edit.file].append((found[0].start(), found[0].end(), new, fault.name))
    for file, places in edits.items():
        places.sort()
        for before, after in zip(places, places[1:]):
            if after[0] < before[1]:
                raise SystemExit(f'{file}: {before[3]} and {after[3]} are planted in one place')
    return edits, problems


def planted(text, places):
    for begin, end, new, _ in reversed(places):
        text = text[:begin] + new + text[end:]
    return text


def literal(text):
    return '"' + text.replace('\\', '\\\\').replace('"', '\\"') + '"'


def table(problems):
    rows = [f'    {{{literal(fault.name)}, {literal(fault.what)}, {literal(fault.caught_by)},'
            f' {literal(problems.get(fault.name, ""))}}},\n' for fault in faults.FAULTS]
    return ('#include "planted/planted.h"\n\nint planted_fault = 0;\n\nnamespace holdfast {\n'
            'const std::vector<PlantedFault>& planted_faults() {\n'
            '  static const std::vector<PlantedFault> faults = {\n' + ''.join(rows) +
            '  };\n  return faults;\n}\n}  // namespace holdfast\n')


def write_if_changed(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def files():
    return sorted({edit.file for fault in faults.FAULTS for edit in fault.edits})


def write(source, output):
    texts = {file: (source / file).read_text() for file in files()}
    edits, problems = find_edits(texts)
    for file, text in texts.items():
        head = HEAD.format(path=source / file)
        write_if_changed(output / file, head + planted(text, edits[file]))
    write_if_changed(output / 'faults.cc', table(problems))
    for problem in problems.values():
        print(problem, file=sys.stderr)


def main():
    if sys.argv[1] == '--names':
        print('\n'.join(fault.name for fault in faults.FAULTS))
    elif sys.argv[1] == '--files':
        print('\n'.join(files()))
    else:
        write(pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]))


if __name__ == '__main__':
    main()
