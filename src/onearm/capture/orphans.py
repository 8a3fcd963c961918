"""A worker ends when the process that started it is gone, so that no port stays taken."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import wait

GRACE_S = 10.0
"""So long a worker may take to answer what it is answering."""


def end_with_parent() -> threading.Thread | None:
    """Watch the parent of this process, and end this process when it is gone.

    A main process that ends in order ends its workers itself; this is for one that was killed
    (SIGKILL, too little memory): its workers would go on with the old version of the software and
    keep the port. The worker is asked first, as by its parent, and made to end after `GRACE_S`.
    None where multiprocessing did not start this process: whoever did looks after it.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return None
    watch = threading.Thread(target=_watch, args=(parent.sentinel,), name="parent", daemon=True)
    watch.start()
    return watch


def _watch(sentinel: int) -> None:
    wait([sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
    # An orderly end takes this thread with it. Saves are transactions: none is left by halves.
    threading.Event().wait(GRACE_S)
    os._exit(1)
