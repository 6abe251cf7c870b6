"""Files of collection days as a form or a program sends them."""

from typing import BinaryIO, cast

from litestar.datastructures import UploadFile

from notify.staff.routes import StaffRequest
from notify.waste.file_shapes import NamedHome, Source
from notify.waste.upload_runs import Upload

MOST_BYTES = 100_000_000


async def uploaded(request: StaffRequest) -> Upload:
    """The files and fields of this request."""
    form = await request.form()
    fields = {name: value.strip() for name, value in form.multi_items() if isinstance(value, str)}
    home = NamedHome(fields.get("uprn", ""), fields.get("address", ""), fields.get("postcode", ""))
    files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
    return Upload([Source(one.filename, cast(BinaryIO, one.file), home) for one in files if one.filename], fields)
