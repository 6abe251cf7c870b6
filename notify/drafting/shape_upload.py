"""The page of places takes a shape from a file: the button sends the whole form, so that nothing typed is lost."""

from collections.abc import Sequence
from dataclasses import dataclass

from litestar.datastructures import UploadFile

from notify.core.errors import NotifyError
from notify.core.form_fields import FieldError, Form
from notify.drafting.draft_reader import shape_text
from notify.places.geometry import to_geojson
from notify.places.shape_files import shape_in, with_fewer_corners
from notify.staff.routes import StaffRequest
from notify.web.forms import MOST_FIELDS, FormNotReadable


@dataclass(frozen=True, slots=True)
class UploadedForm:
    """The fields of the page of places, and the file."""

    form: Form
    file: bytes


async def uploaded_form(request: StaffRequest) -> UploadedForm:
    """What this request sent. Raises: FormNotReadable."""
    sent = list((await request.form()).multi_items())
    if len(sent) > MOST_FIELDS:
        raise FormNotReadable("Go back, reload the page and fill it in again.")
    fields: dict[str, list[str]] = {}
    file = b""
    for name, value in sent:
        if isinstance(value, UploadFile):
            file = await value.read() if name == "shape_file" else file
        elif "\0" not in str(value):
            fields.setdefault(name, []).append(str(value).strip())
    return UploadedForm(Form(fields), file)


def shape_field(file: bytes) -> tuple[str, Sequence[FieldError]]:
    """The file's shape as the field of the page holds it; else why the file cannot be read."""
    try:
        return shape_text(to_geojson(with_fewer_corners(shape_in(file)))), []
    except NotifyError as error:
        return "", [FieldError("shape_file", error.detail)]
