"""Servers as separate processes that can be killed, a database that can be stopped, and editors.

Used by the tests of faults and by ``benchmarks/capture_pages.py``; everything listens on loopback.
"""

from __future__ import annotations

import http.client
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from tests.capture.postgres import programs

STUDY = Path(__file__).parents[3] / "studies" / "lenvatinib-pembrolizumab"
TOKEN = "t" * 32  # the cookie and the header of one client carry the same
WAIT_S = 120

FILL = """
import json, sys
from datetime import date
from pathlib import Path
from onearm.capture import serving
data, study, editors = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
serving.configure(data)
serving.prepare(data, study)
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from onearm.capture import clock
from onearm.capture.models import EventInstance, Grant, Site, Subject, User
site = Site.objects.get(code="01")
found = []
for n in range(editors):
    user = User.objects.create(username=f"nurse{n}", password="!", must_change_password=False,
                               trained_on=date(2020, 1, 1))
    Grant.objects.create(user=user, role="coordinator", site=site, begins=date(2020, 1, 1))
    subject = Subject.objects.create(site=site, code=f"01-{n:03d}", stage="enrolled",
                                     created_at=clock.now())
    EventInstance.objects.create(subject=subject, visit="SCREENING")
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[-1]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    found.append([subject.code, session.session_key])
print(json.dumps(found))
"""

READ = """
import json, sys
from pathlib import Path
from onearm.capture import serving
serving.configure(Path(sys.argv[1]))
from onearm.capture import trail
from onearm.capture.models import FormInstance, FormVersion
kept, times = {}, {}
for v in FormVersion.objects.select_related("instance__event__subject").order_by("version"):
    row = v.delta["rows"][0]
    code = v.instance.event.subject.code
    kept.setdefault(code, []).append([v.version, row.get(sys.argv[2])])
    times.setdefault(v.instance_id, []).append(v.at)
in_order = all(at == sorted(at) for at in times.values())
whole = all(i.version == i.versions.count() for i in FormInstance.objects.all())
broken = [str(b) for b in trail.verify()]
print(json.dumps({"kept": kept, "whole": whole, "in_order": in_order, "broken": broken}))
"""


def faketime() -> Path | None:
    """The library of libfaketime for programs with threads; None where it is not installed."""
    return next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Database:
    """A PostgreSQL server of its own in a scratch folder."""

    folder: Path
    port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        """What ``DATABASE_URL`` is set to."""
        return f"postgres://onearm@127.0.0.1:{self.port}/postgres"

    def run(self, *words: str) -> None:
        """Run one of the server's programs as its owner."""
        tools = programs()
        assert tools is not None
        owner = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        command = [*owner, str(tools / words[0]), *words[1:]]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    def make(self) -> None:
        """Make an empty cluster and start it."""
        if os.geteuid() == 0:
            shutil.chown(self.folder, pwd.getpwnam("postgres").pw_name)
        data = str(self.folder / "data")
        self.run("initdb", "-D", data, "-U", "onearm", "-A", "trust", "-E", "UTF8")
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        words = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1"
        data = str(self.folder / "data")
        self.run("pg_ctl", "-D", data, "-w", "-o", words, "-l", f"{data}/log", "start")

    def stop(self) -> None:
        """Stop it at once, as a crash of the machine would; it recovers when it starts."""
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-m", "immediate", "stop")


@contextmanager
def database() -> Iterator[Database]:
    """A running PostgreSQL server."""
    with tempfile.TemporaryDirectory(prefix="onearm-faults-") as scratch:
        made = Database(Path(scratch))
        made.make()
        try:
            yield made
        finally:
            made.stop()


@dataclass
class Server:
    """``onearm serve`` on a data folder; ``workers`` answer.

    clock: a file that says how far the clock of its processes is off (``+0``, ``-1h``), as
    libfaketime reads it.
    """

    data: Path
    url: str = ""
    workers: int = 1
    study: Path = STUDY
    largest_file: int = 0
    clock: Path | None = None
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def environment(self) -> dict[str, str]:
        """The environment of everything that touches the database."""
        ours = ("ONEARM_DATA", "ONEARM_SECRET_KEY", "DATABASE_URL", "DJANGO_SETTINGS_MODULE")
        env = {k: v for k, v in os.environ.items() if k not in ours}
        if self.clock is not None:
            env |= {
                "LD_PRELOAD": str(faketime()),
                "FAKETIME_TIMESTAMP_FILE": str(self.clock),
                "FAKETIME_CACHE_DURATION": "1",  # the file is read once a second
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",  # durations are not what steps
            }
        return {**env, "ONEARM_IDLE": "30", **({"DATABASE_URL": self.url} if self.url else {})}

    def script(self, text: str, *words: object) -> object:
        """What a script prints as JSON, run on the data folder."""
        command = [sys.executable, "-c", text, str(self.data), *map(str, words)]
        done = subprocess.run(
            command, env=self.environment(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def start(self) -> float:
        """Start it; returns the seconds until the first page answered."""
        limit = self.largest_file
        words = ["serve", "--data", self.data, "--port", self.port, "--workers", self.workers]
        code = "from onearm.cli import main; main()"
        if limit:  # as a full disk: no file grows beyond this
            code = f"import resource as r; r.setrlimit(r.RLIMIT_FSIZE, ({limit}, {limit})); {code}"
        began = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, words)],
            env=self.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        while time.perf_counter() - began < WAIT_S:
            if self.status("/accounts/login/") == 200:
                return time.perf_counter() - began
            time.sleep(0.02)
        raise AssertionError("the server did not answer within two minutes")

    def status(self, path: str) -> int:
        """The status of a page for a stranger; 0 where nothing answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()

    def kill_main(self) -> None:
        """SIGKILL to the server's main process alone; its workers are left to themselves."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def is_port_free(self) -> bool:
        """Whether another server could listen where this one does."""
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self.port))
            except OSError:
                return False
        return True

    def kill(self) -> None:
        """SIGKILL to the server and its workers: nothing is cleaned up."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None


@dataclass
class Editor(threading.Thread):
    """One person who saves a form of an own subject again and again.

    acknowledged: version and text of every save that was answered as saved. statuses, refusal: with
    which statuses saves were refused, and the last page that did. first: where the texts
    start to count; whoever follows another editor of the form counts from elsewhere, because a save
    of the text that stands is answered as saved and makes no version.
    """

    server: Server
    subject: str
    session: str
    fields: Callable[[int], dict[str, str]]
    item: str
    form: str = "DISEASE"
    pause: float = 0.0
    first: int = 0
    acknowledged: list[tuple[int, str]] = field(default_factory=list)
    refused: int = 0
    statuses: set[int] = field(default_factory=set)
    refusal: str = ""
    pages: list[float] = field(default_factory=list)
    saves: list[float] = field(default_factory=list)
    ends: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        """Open, save, open, save, until told to end; a broken connection is made anew."""
        number = self.first
        while not self.ends.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=20)
            try:
                while not self.ends.is_set():
                    self._once(connection, number)
                    number += 1
                    self.ends.wait(self.pause)
            except (OSError, http.client.HTTPException):
                number += 1
                self.refused += 1
                self.ends.wait(0.1)
            finally:
                connection.close()

    def _once(self, connection: http.client.HTTPConnection, number: int) -> None:
        """Open the form and save it with a new text."""
        path = f"/subjects/{self.subject}/SCREENING/1/{self.form}"
        began = time.perf_counter()
        status, page = self._ask(connection, "GET", path)
        opened = time.perf_counter()
        if status != 200:
            raise OSError(f"page answered {status}")
        version = page.split('name="version" value="')[1].split('"')[0]
        text = f"{self.subject} {self.session[:6]} {number}"
        given = {"version": version, "why": "typed", **self.fields(number)}
        given[f"v.1.{self.item}"] = text
        asked = time.perf_counter()
        status, answer = self._ask(connection, "POST", path, given)
        done = time.perf_counter()
        if status != 302:
            self.refused += 1
            self.statuses.add(status)
            self.refusal = answer
            return
        self.acknowledged.append((int(version) + 1, text))
        self.pages.append(opened - began)
        self.saves.append(done - asked)

    def _ask(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        given: dict[str, str] | None = None,
    ) -> tuple[int, str]:
        headers = {"Cookie": f"sessionid={self.session}; csrftoken={TOKEN}", "X-CSRFToken": TOKEN}
        if given is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, path, urlencode(given or {}), headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")


def no_more(number: int) -> dict[str, str]:
    """Only the one item."""
    return {}


def editors(server: Server, people: object, *, pause: float = 0.0, first: int = 0) -> list[Editor]:
    """One editor a person that `FILL` made, started."""
    assert isinstance(people, list)
    made = [
        Editor(server, code, session, no_more, "MHTERM", pause=pause, first=first)
        for code, session in people
    ]
    for one in made:
        one.start()
    return made


def end(all_: list[Editor]) -> None:
    """Tell all editors to end and wait for them."""
    for one in all_:
        one.ends.set()
    for one in all_:
        one.join(timeout=30)


def account(server: Server, all_: list[Editor], item: str = "MHTERM") -> dict[str, object]:
    """What was acknowledged against what is kept: nothing lost, no half write, chain intact."""
    found = server.script(READ, item)
    assert isinstance(found, dict)
    kept = {code: {tuple(pair) for pair in pairs} for code, pairs in found["kept"].items()}
    lost = [
        (one.subject, pair)
        for one in all_
        for pair in one.acknowledged
        if pair not in kept.get(one.subject, set())
    ]
    return {
        "acknowledged": sum(len(one.acknowledged) for one in all_),
        "kept": sum(len(pairs) for pairs in found["kept"].values()),
        "not_acknowledged": sum(one.refused for one in all_),
        "lost": lost,
        "whole": found["whole"],
        "in_order": found["in_order"],
        "broken": found["broken"],
    }
