#!/usr/bin/env python3
"""Installs and packs what was built. A stranger's project is built against the one, by
find_package and by pkg-config; the other is looked into, and its program run where it is unpacked.

Usage: package_test.py BUILD_FOLDER COMPILER ARCHIVES
ARCHIVES is not empty if the program is linked with archives.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CONSUMER = Path(__file__).resolve().parent / 'consumer'
TIMEOUT_S = 250
SAID = 'installed and found\n'
INSTALLED = ('bin/holdfast', 'share/man/man1/holdfast.1',
             'share/bash-completion/completions/holdfast',
             'share/zsh/vendor-completions/_holdfast',
             'share/fish/vendor_completions.d/holdfast.fish')
# All that a program that is linked with archives takes from the machine.
GLIBC = re.compile(r'/?(linux-vdso|libc|libm|ld-linux[-a-z0-9_]*)\.so')


def run(*words, **more):
    done = subprocess.run([str(word) for word in words], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=TIMEOUT_S, **more)
    if done.returncode != 0:
        sys.exit(f'{" ".join(map(str, words))}\n{done.stdout}')
    return done.stdout


def expect(condition, what):
    if not condition:
        sys.exit(f'not as expected: {what}')


def try_install(build, scratch):
    prefix = scratch / 'usr'
    run('cmake', '--install', build, '--prefix', prefix, '--strip')
    for name in INSTALLED:
        expect((prefix / name).stat().st_size > 0, name)
    expect(run(prefix / 'bin/holdfast', '--version').startswith('holdfast '), 'the version')
    run('bash', '-n', prefix / 'share/bash-completion/completions/holdfast')
    return prefix


def try_consumer(prefix, compiler, scratch):
    folder = scratch / 'consumer'
    # Ninja is there, as it made the build; make may not be.
    run('cmake', '-G', 'Ninja', '-S', CONSUMER, '-B', folder, f'-DCMAKE_PREFIX_PATH={prefix}',
        f'-DCMAKE_CXX_COMPILER={compiler}')
    run('cmake', '--build', folder)
    expect(run(folder / 'consumer') == SAID, 'what the consumer by find_package says')

    if shutil.which('pkg-config') is None:
        print('pkg-config is not there; not tried')
        return
    packages = next(prefix.rglob('holdfast.pc')).parent
    flags = run('pkg-config', '--cflags', '--libs', 'holdfast',
                env={**os.environ, 'PKG_CONFIG_PATH': str(packages)}).split()
    program = scratch / 'by_pkg_config'
    run(compiler, CONSUMER / 'main.cc', '-o', program, *flags)
    expect(run(program) == SAID, 'what the consumer by pkg-config says')


def try_packages(build, scratch, archives):
    folder = scratch / 'packages'
    debian = shutil.which('dpkg-shlibdeps') is not None
    run('cpack', '--config', Path(build) / 'CPackConfig.cmake', '-B', folder,
        '-G', 'TGZ;DEB' if debian else 'TGZ', cwd=build)

    run('tar', '-xf', next(folder.glob('holdfast-*.tar.gz')), '-C', scratch)
    program = next(scratch.glob('holdfast-*/bin/holdfast'))
    for line in run('ldd', program).splitlines() if archives else []:
        expect(GLIBC.match(Path(line.split()[0]).name), f'the tarball needs {line.strip()}')
    expect(run(program, '--version').startswith('holdfast '), 'the version of the tarball')

    if not debian:
        print('dpkg-shlibdeps is not there; no packages for Debian')
        return
    package = next(folder.glob('holdfast_*.deb'))
    expect('libc6' in run('dpkg-deb', '-f', package, 'Depends'), 'what the package depends on')
    held = run('dpkg-deb', '-c', package)
    for name in INSTALLED:
        expect(f'./usr/{name}\n' in held, f'{name} in the package')
    held = run('dpkg-deb', '-c', next(folder.glob('libholdfast-dev_*.deb')))
    expect('holdfast/store.h\n' in held and 'libhf_store.a\n' in held, 'the development package')


def main():
    build, compiler, archives = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder).resolve()
        prefix = try_install(build, scratch)
        try_consumer(prefix, compiler, scratch)
        try_packages(build, scratch, archives)


if __name__ == '__main__':
    main()
