"""Fetches files of collection days from a web address, or from the council's folder on the machine."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import PurePosixPath
from typing import BinaryIO, cast
from urllib.parse import urlsplit

import httpx

from notify.core.errors import Unavailable
from notify.core.settings import settings
from notify.providers.base import ProviderRejected, ProviderUnavailable
from notify.providers.webhook import ssrf

FOLDER = "folder"
MOST_BYTES = 100_000_000
SECONDS = 300.0
IN_MEMORY = 5_000_000
SUFFIXES = (".csv", ".json", ".ics")
KINDS = {"text/csv": ".csv", "application/json": ".json", "text/calendar": ".ics"}


class SourceAway(Unavailable):
    """The files could not be fetched; they are tried again at the next turn."""

    title = "The collection days could not be fetched"


@dataclass(frozen=True, slots=True)
class FetchedFile:
    """A file that was fetched, open at its beginning."""

    name: str
    file: BinaryIO
    digest: bytes


@contextmanager
def fetched(address: str, council_slug: str) -> Iterator[FetchedFile]:
    """The file at a web address, or the newest in the council's folder where `address` is `folder`.

    Not inside a transaction: it takes up to five minutes. Raises: SourceAway.
    """
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as kept:
        file = cast(BinaryIO, kept)
        name = _newest(council_slug, file) if address == FOLDER else _download(address, file)
        file.seek(0)
        digest = sha256()
        while part := file.read(1_000_000):
            digest.update(part)
        file.seek(0)
        yield FetchedFile(name, file, digest.digest())


def _newest(council_slug: str, file: BinaryIO) -> str:
    base = settings().collections_folder
    if base is None:
        raise SourceAway("No folder is set up. Set NOTIFY_COLLECTIONS_FOLDER, or give a web address.")
    own = base / council_slug
    try:
        found = [path for path in own.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file()]
        newest = max(found, key=lambda path: path.stat().st_mtime_ns)
        with newest.open("rb") as source:
            while part := source.read(1_000_000):
                file.write(part)
                _require_size(file)
    except ValueError:
        raise SourceAway(f"There is no .csv, .json or .ics file in the folder of {council_slug}.") from None
    except OSError as error:
        raise SourceAway(f"The folder of {council_slug} cannot be read: {error.strerror}.") from None
    return newest.name


def _download(address: str, file: BinaryIO) -> str:
    """The file's name. Only a checked address is connected to, and redirects are not followed."""
    ends = time.monotonic() + SECONDS
    guard = ssrf.Guard(ssrf.Allowed.from_text(settings().collections_allowed_hosts))
    try:
        wanted = ssrf.read(address)
        checked = guard.checked(wanted, within_s=10)[0]
        headers = {"host": wanted.authority, "accept": ", ".join(KINDS)}
        extensions = {"sni_hostname": wanted.host}
        with (
            httpx.Client(timeout=30, follow_redirects=False, trust_env=False) as client,
            client.stream("GET", wanted.url_at(checked), headers=headers, extensions=extensions) as reply,
        ):
            if reply.status_code != 200:
                raise SourceAway(f"The address answered with status {reply.status_code}.")
            for part in reply.iter_bytes():
                file.write(part)
                _require_size(file)
                if time.monotonic() > ends:
                    raise SourceAway(f"The file was not read within {SECONDS:g} seconds.")
            kind = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    except (ProviderRejected, ProviderUnavailable) as error:
        raise SourceAway(str(error)) from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise SourceAway(f"The address cannot be read: {type(error).__name__}.") from None
    name = PurePosixPath(urlsplit(address).path).name or "collections"
    return name if name.lower().endswith(SUFFIXES) else name + KINDS.get(kind, "")


def _require_size(file: BinaryIO) -> None:
    if file.tell() > MOST_BYTES:
        raise SourceAway("The file is larger than 100 MB.")
