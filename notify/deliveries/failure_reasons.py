"""What others say of a delivery, made fit to be kept and shown."""

import re

ADDRESS = re.compile(r"\S+@\S+|\+?\d[\d ]{6,}\d")  # of mail, or a telephone number
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
LONGEST = 300


def cleaned(words: str | None) -> str | None:
    """A provider's words without residents' addresses, which outlive their erasure, and without what breaks a database.

    Long ones are cut.
    """
    if not words:
        return None
    return ADDRESS.sub("…", " ".join(CONTROL.sub(" ", words).split()))[:LONGEST] or None


def printable(reference: str | None) -> str | None:
    """A provider's own id without control characters."""
    return CONTROL.sub("", reference)[:LONGEST] or None if reference else None
