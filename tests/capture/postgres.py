"""Run a command with a PostgreSQL server of its own: ``python -m tests.capture.postgres COMMAND``.

The server (Debian's package ``postgresql``) listens on loopback only, keeps its data in a scratch
folder, and ends with the command. Without the package the exit status is 69 and nothing runs.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

UNAVAILABLE = 69


def programs() -> Path | None:
    """The folder of the newest installed server's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


def main(command: list[str]) -> int:
    """Start the server, run the command with ONEARM_TEST_DATABASE_URL, stop the server."""
    folder = programs()
    if folder is None:
        print("PostgreSQL is not installed (Debian: apt-get install postgresql)", file=sys.stderr)
        return UNAVAILABLE
    with tempfile.TemporaryDirectory(prefix="onearm-postgres-") as scratch:
        data = Path(scratch) / "data"
        owner: list[str] = []
        if os.geteuid() == 0:  # the server refuses to run as root
            shutil.chown(scratch, "postgres")
            owner = ["runuser", "-u", pwd.getpwnam("postgres").pw_name, "--"]
        port = _free_port()
        init = [folder / "initdb", "-D", data, "-U", "onearm", "-A", "trust", "-E", "UTF8"]
        start = ["-o", f"-p {port} -k {scratch} -c listen_addresses=127.0.0.1", "-l", f"{data}/log"]
        control = [folder / "pg_ctl", "-D", data, "-w"]
        subprocess.run([*owner, *init], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([*owner, *control, *start, "start"], check=True, stdout=subprocess.DEVNULL)
        try:
            url = f"postgres://onearm@127.0.0.1:{port}/postgres"
            return subprocess.run(
                command, env={**os.environ, "ONEARM_TEST_DATABASE_URL": url}, check=False
            ).returncode
        finally:
            subprocess.run(
                [*owner, *control, "-m", "immediate", "stop"],
                check=True,
                stdout=subprocess.DEVNULL,
            )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
