"""What the tests of this folder take from the npm registry."""
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
TIMEOUT_S = 200


def install(build):
    """Installs what package-lock.json says under `build`, once; returns node and the folder."""
    found = subprocess.run([HERE.parent.parent / 'scripts/node'], check=True, text=True,
                           stdout=subprocess.PIPE, timeout=TIMEOUT_S)
    node, npm = found.stdout.split()
    folder = Path(build) / 'conformance'
    folder.mkdir(parents=True, exist_ok=True)
    lock = (HERE / 'package-lock.json').read_bytes()
    stamp = folder / 'installed.lock'
    if not stamp.exists() or stamp.read_bytes() != lock:
        for name in ('package.json', 'package-lock.json'):
            shutil.copy(HERE / name, folder / name)
        subprocess.run([node, npm, 'ci', '--no-audit', '--no-fund', '--ignore-scripts'], cwd=folder,
                       check=True, stdout=subprocess.DEVNULL, timeout=TIMEOUT_S)
        stamp.write_bytes(lock)
    return node, folder / 'node_modules'
