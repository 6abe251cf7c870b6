"""A release as a form or a program sends it, and its number as an address names it."""

import io
from asyncio import to_thread
from collections.abc import AsyncIterator
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from litestar.datastructures import UploadFile

from notify.places.activation import UnknownRelease
from notify.places.release_tasks import NO_SUCH_RELEASE
from notify.staff.routes import StaffRequest

IN_MEMORY = 1_000_000
MOST_BYTES = 500_000_000  # the ONS Postcode Directory is 230 MB


@dataclass(frozen=True, slots=True)
class UploadedRelease:
    """A file and its name, which says what it holds; without a name, nothing was chosen."""

    name: str
    file: BinaryIO


async def uploaded_release(request: StaffRequest) -> AsyncIterator[UploadedRelease]:
    """The file of this request: the field `file` of a form, or the whole body with its name in `file_name`.

    It is there until the request is answered, and on the disk, not in memory.
    """
    if request.content_type[0] != "multipart/form-data":
        with SpooledTemporaryFile(IN_MEMORY) as file:
            async for part in request.stream():
                await to_thread(file.write, part)
            file.seek(0)
            yield UploadedRelease(request.query_params.get("file_name", ""), cast(BinaryIO, file))
        return
    sent = (await request.form()).get("file")
    if isinstance(sent, UploadFile):
        yield UploadedRelease(sent.filename or "", cast(BinaryIO, sent.file))
    else:
        yield UploadedRelease("", io.BytesIO())


def release_number(written: str) -> int:
    """The number of a release. Raises: UnknownRelease."""
    if not written.isdecimal() or len(written) > 9:
        raise UnknownRelease(NO_SUCH_RELEASE)
    return int(written)
