"""Restoring a backup from the command line: unpack, load, compare.

Apart from `backup` because Django can only be started once the restored folder is there.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from pathlib import Path
from typing import Any

from onearm.capture import serving
from onearm.errors import OnearmError


def restored(file: Path, data: Path, key: bytes | None) -> tuple[dict[str, Any], list[str]]:
    """Restore a backup into ``data``; returns its manifest and what differs from it.

    Raises ``OnearmError`` where the backup cannot be opened or the place is not empty.
    """
    if data.exists() and any(data.iterdir()):
        raise OnearmError(f"{data} is not empty; a backup is restored into a folder of its own")
    # Nothing is signed here, and the backup brings the key of its own.
    os.environ.setdefault("ONEARM_SECRET_KEY", secrets.token_urlsafe(50))
    serving.configure(data)
    from django.db import connection

    from onearm.capture import backup

    manifest = backup.unpack(file, data, key=key)
    if manifest["database"] != connection.vendor:
        shutil.rmtree(data)
        asked = "set DATABASE_URL" if connection.vendor == "sqlite" else "unset DATABASE_URL"
        raise OnearmError(f"the backup is of {manifest['database']}; {asked} and try again")
    if manifest["database"] == "postgresql":
        backup.load_dump(data)
    (data / backup.MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    return manifest, backup.differences(manifest)
