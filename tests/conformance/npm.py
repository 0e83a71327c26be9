"""What the tests take from the npm registry."""
import functools
import os
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt'
TIMEOUT_S = 200


@functools.cache
def tools():
    """Node.js and the script of npm."""
    found = subprocess.run([HERE.parent.parent / 'scripts/node'], check=True, text=True,
                           stdout=subprocess.PIPE, timeout=TIMEOUT_S)
    return found.stdout.split()


def run(*words, cwd):
    """Node.js trusts only what it was built with, also where this machine has certificates of its
    own, as behind a proxy."""
    environment = dict(os.environ)
    if Path(CERTIFICATES).exists():
        environment.setdefault('NODE_EXTRA_CA_CERTS', CERTIFICATES)
    subprocess.run([*tools(), *words], cwd=cwd, env=environment, check=True,
                   stdout=subprocess.DEVNULL, timeout=TIMEOUT_S)


def install(build):
    """Installs what package-lock.json says under `build`, once; returns node and the folder."""
    folder = Path(build) / 'conformance'
    folder.mkdir(parents=True, exist_ok=True)
    lock = (HERE / 'package-lock.json').read_bytes()
    stamp = folder / 'installed.lock'
    if not stamp.exists() or stamp.read_bytes() != lock:
        for name in ('package.json', 'package-lock.json'):
            shutil.copy(HERE / name, folder / name)
        run('ci', '--no-audit', '--no-fund', '--ignore-scripts', cwd=folder)
        stamp.write_bytes(lock)
    return tools()[0], folder / 'node_modules'
