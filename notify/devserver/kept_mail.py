"""What the mail catcher and the file provider keep for developers, and how it goes with the person it was for."""

import json
from collections.abc import Sequence
from pathlib import Path

KEPT = "kept"  # each message as it came
MAIL, TEXTS = "mail.jsonl", "sms.jsonl"  # a line for each recipient


def erase(folder: Path, addresses: Sequence[str], *, texts: Path | None = None) -> int:
    """Remove every kept message for one of these addresses; how many. `texts`: where texts are, if not in `folder`.

    Lines are written over where they are, with as many bytes: those who append to the file have it open.
    """
    wanted = [address.lower().encode() for address in addresses]
    removed = 0
    for file in (folder / KEPT).glob("*.eml"):
        content = file.read_bytes().lower()
        if any(address in content for address in wanted):
            file.unlink(missing_ok=True)
            removed += 1
    return removed + sum(_overwrite(path, wanted) for path in (folder / MAIL, texts or folder / TEXTS))


def _overwrite(path: Path, wanted: Sequence[bytes]) -> int:
    if not path.exists():
        return 0
    removed = 0
    with path.open("r+b") as file:
        while line := file.readline():
            if any(address in line.lower() for address in wanted):
                blank = json.dumps({"at": "", "to": ""}).encode()
                file.seek(-len(line), 1)
                file.write(blank.ljust(len(line) - 1) + b"\n")
                removed += 1
    return removed
