"""Settings of the tests: the application's own, on a scratch folder and quick password hashes."""

from __future__ import annotations

import os
import tempfile

os.environ.setdefault("ONEARM_DATA", tempfile.mkdtemp(prefix="onearm-tests-"))
os.environ.setdefault("ONEARM_SECRET_KEY", "only for tests")
if "ONEARM_TEST_DATABASE_URL" in os.environ:
    os.environ["DATABASE_URL"] = os.environ["ONEARM_TEST_DATABASE_URL"]

from onearm.capture.settings import *  # noqa: F403 - all of them

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# A file, not memory: the live server's threads and the tests then have connections of their own.
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405 - of the line above
    DATABASES["default"]["TEST"] = {"NAME": DATA / "tests.sqlite3"}  # noqa: F405 - of the line above
