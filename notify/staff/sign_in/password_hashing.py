"""Passwords of officers as they are stored: argon2id, never worked out while a transaction is open."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from notify.core import tokens
from notify.core.db import refuse_in_transaction
from notify.core.errors import Invalid
from notify.core.settings import once_a_process

SHORTEST_PASSWORD = 12


class PasswordTooShort(Invalid):
    """Length is what makes a password strong."""

    title = "The password is too short"


@once_a_process
def _hasher() -> PasswordHasher:
    return PasswordHasher()  # argon2id with the library's present parameters, RFC 9106's low-memory choice


@once_a_process
def _nobodys_hash() -> str:
    return _hasher().hash(tokens.random_token())


def hashed(password: str) -> str:
    """What is stored of a new password. Takes tens of milliseconds and 64 MiB. Raises: PasswordTooShort."""
    if len(password) < SHORTEST_PASSWORD:
        raise PasswordTooShort(f"Take at least {SHORTEST_PASSWORD} characters: four words nobody would guess.")
    refuse_in_transaction("Hashing a password")
    return _hasher().hash(password)


def fits(known: str | None, password: str) -> bool:
    """Whether this is the password of that hash. As much work where there is none, so that the time tells nothing."""
    refuse_in_transaction("Hashing a password")
    try:
        return _hasher().verify(known or _nobodys_hash(), password) and known is not None
    except (VerificationError, InvalidHashError):
        return False
