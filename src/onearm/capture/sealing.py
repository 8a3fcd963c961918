"""Encrypting a file of any size for storage elsewhere: AES-256-GCM in numbered pieces."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from onearm.errors import OnearmError

MARK = b"onearm sealed 1\n"
PIECE = 1 << 20
TAG = 16


def new_key(path: Path) -> None:
    """Write a new key that only its owner reads; never over a file that is there."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise OnearmError(f"{path} is there already; a key is never written over") from None
    with os.fdopen(handle, "wb") as file:
        file.write(base64.urlsafe_b64encode(secrets.token_bytes(32)) + b"\n")


def read_key(path: Path) -> bytes:
    """The key in a file; raises ``OnearmError`` where it holds none."""
    try:
        key = base64.urlsafe_b64decode(path.read_bytes().strip())
    except (OSError, ValueError) as problem:
        raise OnearmError(f"{path} cannot be read as a key: {problem}") from problem
    if len(key) != 32:
        raise OnearmError(f"{path} holds no key of onearm (32 bytes in base64)")
    return key


def is_sealed(path: Path) -> bool:
    """Whether the file was written by `seal`."""
    with path.open("rb") as file:
        return file.read(len(MARK)) == MARK


def seal(plain: IO[bytes], to: IO[bytes], key: bytes) -> None:
    """Encrypt a stream. Each piece carries its number and whether it is the last, so that pieces
    can be neither changed, left out, nor put in another order unseen."""
    start = secrets.token_bytes(4)
    cipher = AESGCM(key)
    to.write(MARK + start)
    piece, number, is_last = plain.read(PIECE), 0, False
    while not is_last:
        ahead = plain.read(PIECE)
        is_last = not ahead
        to.write(cipher.encrypt(_nonce(start, number), piece, _what(number, is_last)))
        piece, number = ahead, number + 1


def opened(sealed: IO[bytes], key: bytes) -> Iterator[bytes]:
    """The plain pieces; raises ``OnearmError`` for a wrong key or a damaged file."""
    if sealed.read(len(MARK)) != MARK:
        raise OnearmError("the file is not encrypted by onearm")
    start, cipher = sealed.read(4), AESGCM(key)
    piece, number, is_last = sealed.read(PIECE + TAG), 0, False
    while not is_last:
        ahead = sealed.read(PIECE + TAG)
        is_last = not ahead
        try:
            yield cipher.decrypt(_nonce(start, number), piece, _what(number, is_last))
        except (InvalidTag, ValueError) as problem:
            raise OnearmError(
                "the file cannot be decrypted: the key is another, or the file is damaged"
            ) from problem
        piece, number = ahead, number + 1


def _nonce(start: bytes, number: int) -> bytes:
    return start + number.to_bytes(8, "big")


def _what(number: int, is_last: bool) -> bytes:
    return f"{number} {'last' if is_last else 'more'}".encode()
