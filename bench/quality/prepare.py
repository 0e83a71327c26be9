#!/usr/bin/env python3
"""Makes the known-item tasks of holdfast_quality from Debian packages, and texts for holdfast_text.

Usage: bench/quality/prepare.py FOLDER

Downloads the packages into FOLDER by apt-get, as any user, installs nothing, and writes
  A.jsonl   a package's short description finds the long one
  B.jsonl   a manual page's NAME finds its DESCRIPTION (of the pages that are installed)
  C.jsonl   WordNet: a gloss finds the synonyms and examples
  D.jsonl   a verse of the King James Version finds the same verse of the World English Bible
  ja.jsonl, ko.jsonl   a question of Debian's FAQ finds its answer, in Japanese and Korean
  texts.jsonl   the long descriptions, manual pages and WordNet in turn, up to 100,000 of them, and
            short descriptions for questions
Tasks of more than 20,000 documents are cut there, and 2,000 questions are asked of each; both are
chosen by a fixed order.
"""

import gzip
import hashlib
import html
import json
import os
import pathlib
import re
import subprocess
import sys

PACKAGES = ('wordnet-base debian-faq-ja debian-faq-ko sword-text-kjv sword-text-web diatheke '
            'libsword1.9.0 libsword-common libclucene-core1v5 libclucene-contribs1v5').split()
DOCUMENTS_MAX = 20_000
QUESTIONS_MAX = 2_000
TEXTS_MAX = 100_000
VERSE_SIZE_MAX = 1_000  # what is longer is several verses that were not told apart


def unpack(folder):
    """The root below which the packages' files are."""
    root = folder / 'root'
    for name in PACKAGES:
        if not list(folder.glob(f'{name}_*.deb')):
            subprocess.run(['apt-get', 'download', name], cwd=folder, check=True)
        for package in folder.glob(f'{name}_*.deb'):
            subprocess.run(['dpkg', '-x', package, root], check=True)
    return root


def in_order(pairs):
    """The names of those that have both, in a fixed order that says nothing about them."""
    def place(name):
        return hashlib.sha256(name.encode()).hexdigest()
    return sorted((name for name, (question, text) in pairs.items() if question and text),
                  key=place)


def write(folder, task, pairs, names):
    """`pairs`: id -> (question, text), of which those of `names` are written, in that order."""
    with open(folder / f'{task}.jsonl', 'w', encoding='utf-8') as file:
        for name in names:
            file.write(json.dumps({'id': name, 'text': pairs[name][1]}) + '\n')
        for name in names[:QUESTIONS_MAX]:
            file.write(json.dumps({'type': task, 'question': pairs[name][0],
                                   'answers': [name]}) + '\n')
    print(f'{task}: {len(names)} documents, {min(len(names), QUESTIONS_MAX)} questions')


def descriptions(folder):
    """Of packages. The lists of translations are fetched into the folder, as the system may have
    been told to do without."""
    lists = folder / 'lists'
    (lists / 'partial').mkdir(parents=True, exist_ok=True)
    options = [f'-oDir::State::lists={lists}', f'-oDir::Cache={folder}/cache',
               '-oAcquire::Languages=en', '-oAcquire::GzipIndexes=false', '-oAPT::Sandbox::User=']
    (folder / 'cache' / 'archives' / 'partial').mkdir(parents=True, exist_ok=True)
    if not list(lists.glob('*Translation-en*')):
        subprocess.run(['apt-get', 'update', '-q', *options], check=True)
    pairs = {}
    for path in sorted(lists.glob('*Translation-en')):
        for paragraph in path.read_text(encoding='utf-8').split('\n\n'):
            name = re.search(r'^Package: (.+)$', paragraph, re.MULTILINE)
            text = re.search(r'^Description-en: (.*)\n((?: .*\n?)*)', paragraph, re.MULTILINE)
            if name and text:
                long = ' '.join(line.strip() for line in text[2].splitlines()
                                if line.strip() != '.')
                pairs[name[1]] = (text[1], long)
    return pairs


def manual_pages():
    pairs = {}
    for path in sorted(pathlib.Path('/usr/share/man').glob('man[1-8]/*.gz')):
        try:
            source = gzip.decompress(path.read_bytes()).decode('utf-8', 'replace')
        except (OSError, EOFError):
            continue
        sections = dict(re.findall(r'^\.S[Hh] "?([A-Z ]+?)"?\n(.*?)(?=^\.S[Hh] |\Z)', source,
                                   re.MULTILINE | re.DOTALL))
        name = re.sub(r'^.*?\\?- ', '', plain(sections.get('NAME', '')), count=1)
        text = plain(sections.get('DESCRIPTION', ''))
        if len(name.split()) > 2 and len(text) > 100:
            pairs[path.name] = (name, text[:2_000])
    return pairs


def plain(roff):
    lines = []
    for line in roff.splitlines():
        if line.startswith(("'\\\"", '.\\"', '.ie', '.el', '.if', '.de')):
            continue
        line = re.sub(r'^\.[A-Za-z]+ ?', '', line)
        line = re.sub(r'\\f(?:\[\w*\]|.)|\\[&|^%/]|\\s[-+]?\d', '', line)
        lines.append(line.replace('\\-', '-').replace('\\(em', '-').replace('\\e', '\\'))
    return ' '.join(' '.join(lines).split())


def wordnet(root):
    pairs = {}
    for kind in ('noun', 'verb', 'adj', 'adv'):
        path = root / 'usr/share/wordnet' / f'data.{kind}'
        for line in path.read_text().splitlines():
            if line.startswith(' '):
                continue
            head, gloss = line.split(' | ', 1)
            fields = head.split()
            words = [fields[4 + 2 * i].replace('_', ' ') for i in range(int(fields[3], 16))]
            meaning, *examples = re.split(r';? "', gloss, maxsplit=1)
            examples = ' '.join(examples).replace('"', '')
            pairs[kind + fields[0]] = (meaning.strip(' ;'), ', '.join(words) + '. ' + examples)
    return pairs


def verses(root):
    def of(bible):
        environment = dict(os.environ, SWORD_PATH=str(root / 'usr/share/sword'),
                           LD_LIBRARY_PATH=str(root / 'usr/lib/x86_64-linux-gnu'))
        shown = subprocess.run([root / 'usr/bin/diatheke', '-b', bible, '-k', 'Gen-Rev'],
                               env=environment, check=True, capture_output=True).stdout
        found = re.findall(r'^([A-Z0-9][\w ]+ \d+:\d+): (.*?)(?=^[A-Z0-9][\w ]+ \d+:\d+: |\Z)',
                           shown.decode('utf-8', 'replace'), re.MULTILINE | re.DOTALL)
        return {name: ' '.join(re.sub(r'<[^>]*>', ' ', text).split()) for name, text in found}
    old, new = of('engKJV2006eb'), of('engWEB2015eb')
    return {name: (text, new[name]) for name, text in old.items()
            if new.get(name) and max(len(text), len(new[name])) < VERSE_SIZE_MAX}


def faq(root, language):
    pairs = {}
    for path in sorted((root / 'usr/share/doc/debian/FAQ' / language).glob('*.html')):
        source = path.read_text(encoding='utf-8')
        parts = re.split(r'<h[23] class="title"[^>]*>(.*?)</h[23]>', source, flags=re.DOTALL)
        for i in range(1, len(parts) - 1, 2):
            question = re.sub(r'^[\d.]+', '', text_of(parts[i])).strip()
            text = text_of(parts[i + 1])
            if len(text) > 60:
                pairs[f'{path.name}#{i}'] = (question, text)
    return pairs


def text_of(markup):
    return ' '.join(html.unescape(re.sub(r'<[^>]*>', ' ', markup)).split())


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1]).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    root = unpack(folder)
    tasks = {'A': descriptions(folder), 'B': manual_pages(), 'C': wordnet(root)}
    for task, pairs in tasks.items():
        write(folder, task, pairs, in_order(pairs)[:DOCUMENTS_MAX])
    names = [name for pairs in tasks.values() for name in in_order(pairs)][:TEXTS_MAX]
    write(folder, 'texts', {**tasks['C'], **tasks['B'], **tasks['A']}, names)
    others = {'D': verses(root), **{language: faq(root, language) for language in ('ja', 'ko')}}
    for task, pairs in others.items():
        write(folder, task, pairs, in_order(pairs)[:DOCUMENTS_MAX])


if __name__ == '__main__':
    main()
