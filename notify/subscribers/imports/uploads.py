"""A list as a form or a program sends it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from litestar.datastructures import UploadFile

from notify.core.form_fields import Form
from notify.staff.routes import StaffRequest
from notify.web.forms import MOST_FIELDS, FormNotReadable

MOST_BYTES = 30_000_000  # 150,000 residents and more


@dataclass(frozen=True, slots=True)
class UploadedList:
    """The file, or what was pasted, with the other fields."""

    name: str
    file: bytes
    form: Form = field(default_factory=lambda: Form({}))


async def uploaded_list(request: StaffRequest) -> UploadedList:
    """What this request sent: a form with `file` or `pasted`, or the list as its body. Raises: FormNotReadable."""
    if request.content_type[0] != "multipart/form-data":
        return UploadedList("list", await request.body())
    sent = list((await request.form()).multi_items())
    if len(sent) > MOST_FIELDS:
        raise FormNotReadable("Go back, reload the page and fill it in again.")
    fields: dict[str, list[str]] = {}
    name, file = "", b""
    for key, value in sent:
        if isinstance(value, UploadFile):
            name, file = (value.filename or "list", await value.read()) if key == "file" else (name, file)
        else:
            fields.setdefault(key, []).append(str(value).replace("\0", ""))
    pasted = "".join(fields.pop("pasted", ())).strip()
    if not file and pasted:
        name, file = "pasted list", pasted.encode()
    return UploadedList(name, file, Form(_trimmed(fields)))


def _trimmed(fields: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[str]]:
    return {key: [value.strip() for value in values] for key, values in fields.items()}
