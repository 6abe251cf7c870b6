"""The files inside what a council downloads: a file, a folder or a zip, packed with gzip or xz or not."""

import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from shutil import copyfileobj
from typing import IO, TYPE_CHECKING, cast

from notify.core.errors import Invalid

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MOST_REFUSALS_KEPT = 1_000
MOST_UNPACKED_BYTES = 3_000_000_000  # all of Great Britain's wards in full detail, with their data
MOST_BYTES_AT_ONCE = 500_000_000  # of what is read as a whole
_DAMAGE = (EOFError, OSError, lzma.LZMAError, zipfile.BadZipFile, zlib.error, RuntimeError)
ARCHIVES = (".zip", ".kmz")
_BUFFER = 200_000
_NOT_THE_DATA = {"doc", "docs", "documents", "user guide", "__macosx"}


class SourceNotFound(Invalid):
    """The path leads to nothing that can be loaded."""

    title = "There is nothing to load"


class SourceUnreadable(Invalid):
    """The file is damaged, cut short or of a layout we do not know."""

    title = "The file cannot be read"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One row or feature left out, and why. `line` counts lines, or features where the file has no lines."""

    file: str
    line: int
    reason: str


@dataclass(slots=True)
class SourceReport:
    """What became of a source; complete once its reader is exhausted.

    `refusals` keeps the first thousand, `refused` counts all.
    """

    read: int = 0
    refused: int = 0
    refusals: list[Refusal] = field(default_factory=list)

    def refuse(self, file: str, line: int, reason: str) -> None:
        """Note a row or feature that is left out."""
        self.refused += 1
        if len(self.refusals) < MOST_REFUSALS_KEPT:
            self.refusals.append(Refusal(file, line, reason))


class _Counted(io.RawIOBase):
    """What is read from a file, of which there is no more than `most` bytes: a few packed ones become any number."""

    def __init__(self, inner: IO[bytes], name: str, most: int) -> None:
        super().__init__()
        self._inner, self._name, self._left = inner, name, most

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, into: "WriteableBuffer") -> int:
        """Raises: SourceUnreadable where there is more."""
        view = memoryview(into).cast("B")
        part = self._inner.read(len(view))
        self._left -= len(part)
        if self._left < 0:
            raise too_large(self._name, MOST_UNPACKED_BYTES)
        view[: len(part)] = part
        return len(part)


def too_large(name: str, most: int) -> SourceUnreadable:
    """The file is larger than any of its kind."""
    return SourceUnreadable(
        f"Unpacked, {name} is larger than {most // 1_000_000:,} MB. Leave out what you do not need, or choose less "
        "detail."
    )


def rest_of(text: IO[str], name: str) -> str:
    """The rest of a text that is needed as a whole. Raises: SourceUnreadable where it would fill the memory."""
    rest = text.read(MOST_BYTES_AT_ONCE + 1)
    if len(rest) > MOST_BYTES_AT_ONCE:
        raise too_large(name, MOST_BYTES_AT_ONCE)
    return rest


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a source: its name for messages, and where it lies."""

    name: str
    path: Path
    inside: str | None = None

    @contextmanager
    def text(self) -> Iterator[IO[str]]:
        """The file's text, UTF-8 with or without a byte order mark; unreadable bytes become U+FFFD.

        Raises: SourceUnreadable, also for damage met while reading.
        """
        try:
            with self._opened() as binary, io.TextIOWrapper(binary, encoding="utf-8-sig", errors="replace") as text:
                yield text
        except _DAMAGE as error:
            raise SourceUnreadable(f"{self.name} is damaged or cut short ({error}). Download it again.") from error

    def copied_to(self, folder: Path) -> Path:
        """A copy of the file, unpacked, in `folder` under its own name.

        Raises: SourceUnreadable, also where the folder would hold more than MOST_UNPACKED_BYTES.
        """
        target = folder / unpacked_name(PurePosixPath(self.name).name)
        there = sum(file.stat().st_size for file in folder.iterdir())
        try:
            with self._opened(MOST_UNPACKED_BYTES - there) as binary, target.open("wb") as copy:
                copyfileobj(binary, copy)
        except _DAMAGE as error:
            raise SourceUnreadable(f"{self.name} is damaged or cut short ({error}). Download it again.") from error
        return target

    def beside(self, suffix: str) -> "Member | None":
        """The file of the same name that ends in `suffix`, however it is capitalised; a shapefile is several."""
        stem = PurePosixPath(self.name).with_suffix("").as_posix().lower()
        if self.inside is None:
            folder = self.path.parent
            wanted = self.path.with_suffix(suffix).name.lower()
            found = next((file for file in folder.iterdir() if file.name.lower() == wanted), None)
            return Member(found.name, found) if found else None
        names = _names_in_zip(self.path)
        inside = next((name for name in names if name.lower() == stem + suffix), None)
        return Member(inside, self.path, inside) if inside else None

    @contextmanager
    def _opened(self, most: int | None = None) -> Iterator[IO[bytes]]:
        with self._unlimited() as found:
            limit = MOST_UNPACKED_BYTES if most is None else most
            yield io.BufferedReader(_Counted(found, self.name, limit), _BUFFER)

    @contextmanager
    def _unlimited(self) -> Iterator[IO[bytes]]:
        if self.inside is None:
            with self.path.open("rb") as raw, _unpacked(raw, self.name) as unpacked:
                yield unpacked
            return
        with (
            zipfile.ZipFile(self.path) as archive,
            archive.open(self.inside) as stored,
            _unpacked(stored, self.name) as unpacked,
        ):
            yield unpacked


def members(path: Path, suffixes: tuple[str, ...]) -> list[Member]:
    """The files of a source whose names end in one of `suffixes` (before any .gz or .xz), in name order.

    In a folder or zip, documentation is left out; where there is a `Data` folder only that counts; and the
    directory's split copy (`multi_csv`) is left out beside the whole one.
    Raises: SourceNotFound, SourceUnreadable.
    """
    if not path.exists():
        raise SourceNotFound(f"{path} does not exist.")
    if path.is_file() and path.suffix.lower() not in ARCHIVES:
        return [Member(path.name, path)]
    if path.is_file():
        found = [Member(name, path, name) for name in _chosen(_names_in_zip(path), suffixes)]
    else:
        names = [file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file()]
        found = [Member(name, path / name) for name in _chosen(names, suffixes)]
    if not found:
        raise SourceNotFound(f"{path.name} holds no file that ends in {' or '.join(suffixes)}.")
    return found


def _names_in_zip(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except _DAMAGE as error:
        raise SourceUnreadable(f"{path.name} is not a whole zip file. Download it again.") from error


def _chosen(names: list[str], suffixes: tuple[str, ...]) -> list[str]:
    folders = {name: [part.lower() for part in PurePosixPath(name).parts[:-1]] for name in names}
    wanted = [
        name
        for name in sorted(names)
        if unpacked_name(name.lower()).endswith(suffixes) and not _NOT_THE_DATA.intersection(folders[name])
    ]
    wanted = [name for name in wanted if "data" in folders[name]] or wanted
    return [name for name in wanted if "multi_csv" not in folders[name]] or wanted


def unpacked_name(name: str) -> str:
    """The name less .gz or .xz."""
    return name.removesuffix(".gz").removesuffix(".xz")


@contextmanager
def _unpacked(raw: IO[bytes], name: str) -> Iterator[IO[bytes]]:
    if name.lower().endswith(".gz"):
        with gzip.open(raw) as unpacked:
            yield cast(IO[bytes], unpacked)
    elif name.lower().endswith(".xz"):
        with lzma.open(raw) as plain:
            yield cast(IO[bytes], plain)
    else:
        yield raw
