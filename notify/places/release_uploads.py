"""A release as a form or a program sends it, and its number as an address names it."""

import io
from dataclasses import dataclass
from typing import BinaryIO, cast

from litestar.datastructures import UploadFile

from notify.places.activation import UnknownRelease
from notify.places.release_tasks import NO_SUCH_RELEASE
from notify.staff.routes import StaffRequest

MOST_BYTES = 500_000_000  # the ONS Postcode Directory is 230 MB


@dataclass(frozen=True, slots=True)
class UploadedRelease:
    """A file and its name, which says what it holds; without a name, nothing was chosen."""

    name: str
    file: BinaryIO


async def uploaded_release(request: StaffRequest) -> UploadedRelease:
    """The file of this request: the field `file` of a form, or the whole body with its name in `file_name`."""
    if request.content_type[0] != "multipart/form-data":
        return UploadedRelease(request.query_params.get("file_name", ""), io.BytesIO(await request.body()))
    sent = (await request.form()).get("file")
    if not isinstance(sent, UploadFile):
        return UploadedRelease("", io.BytesIO())
    return UploadedRelease(sent.filename or "", cast(BinaryIO, sent.file))


def release_number(written: str) -> int:
    """The number of a release. Raises: UnknownRelease."""
    if not written.isdecimal() or len(written) > 9:
        raise UnknownRelease(NO_SUCH_RELEASE)
    return int(written)
