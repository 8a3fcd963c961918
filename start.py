"""Set up onearm in this folder and run it: ``python3 start.py demo``, ``python3 start.py test``.

The first run makes a virtual environment in ``.venv`` with the locked versions of what onearm
needs. Everything after ``start.py`` goes to the command ``onearm``; ``test`` runs the tests.
Needs Python 3.11 or newer and, the first time, a package index.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
HOME = HERE / ".venv"
BIN = HOME / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")


def main() -> int:
    if sys.version_info < (3, 11):
        print(f"onearm needs Python 3.11 or newer; this is {sys.version.split()[0]}")
        return 1
    words = sys.argv[1:] or ["--help"]
    testing = words[0] == "test"
    install("requirements-test.lock" if testing else "requirements.lock")
    program = ["-m", "onearm", *words]
    if testing:
        # A file of tests stays on one core: its fixtures are made once.
        spread = [] if "-n" in words else ["-n", "auto", "--dist", "loadfile"]
        program = ["-m", "pytest", *spread, *words[1:]]
    folder = HERE if testing else Path.cwd()
    return subprocess.run([PYTHON, *program], cwd=folder, check=False).returncode


def install(lock: str) -> None:
    """The locked packages and onearm itself, unless this lock has been installed already."""
    wanted = hashlib.sha256((HERE / lock).read_bytes() + (HERE / "pyproject.toml").read_bytes())
    mark = HOME / f"{lock}.installed"
    if mark.is_file() and mark.read_text() == wanted.hexdigest():
        return
    if not PYTHON.is_file():
        print("Making a virtual environment in .venv ...", flush=True)
        venv.create(HOME, with_pip=True)
    print(f"Installing what {lock} lists ...", flush=True)
    pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--requirement", HERE / lock], check=True)
    subprocess.run([*pip, "--no-deps", "--editable", HERE], check=True)
    mark.write_text(wanted.hexdigest())


if __name__ == "__main__":
    sys.exit(main())
