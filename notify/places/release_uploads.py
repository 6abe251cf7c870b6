"""A release as a form or a program sends it, and its number as an address names it."""

from litestar.datastructures import UploadFile

from notify.places.activation import UnknownRelease
from notify.places.release_tasks import NO_SUCH_RELEASE
from notify.staff.routes import StaffRequest

MOST_BYTES = 500_000_000  # the ONS Postcode Directory is 230 MB


async def uploaded_release(request: StaffRequest) -> UploadFile | None:
    """The file of this request; None where none was chosen."""
    if request.content_type[0] != "multipart/form-data":
        return None
    file = (await request.form()).get("file")
    return file if isinstance(file, UploadFile) and file.filename else None


def release_number(written: str) -> int:
    """The number of a release. Raises: UnknownRelease."""
    if not written.isdecimal() or len(written) > 9:
        raise UnknownRelease(NO_SUCH_RELEASE)
    return int(written)
