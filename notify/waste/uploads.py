"""Files of collection days as a form or a program sends them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, cast

from litestar.datastructures import UploadFile

from notify.core.clock import LONDON
from notify.staff.routes import StaffRequest
from notify.waste.file_shapes import NamedHome, ScheduleNotReadable, Source
from notify.waste.release_loading import LoadingOptions

MOST_BYTES = 100_000_000


@dataclass(frozen=True, slots=True)
class Upload:
    """Files with what is said beside them."""

    sources: Sequence[Source] = ()
    fields: dict[str, str] = field(default_factory=dict)

    def options(self, actor: str) -> LoadingOptions:
        """What is said beside the files. Raises: ScheduleNotReadable."""
        try:
            fetched = datetime.fromisoformat(self.fields["fetched_at"]) if self.has("fetched_at") else None
            fresh = int(self.fields["fresh_days"]) if self.has("fresh_days") else None
        except ValueError:
            raise ScheduleNotReadable("Write `fetched_at` like 2027-01-05T09:00Z and `fresh_days` in digits.") from None
        if fetched and fetched.tzinfo is None:
            fetched = fetched.replace(tzinfo=LONDON)
        names = ", ".join(one.name for one in self.sources)
        given = (self.fields.get("name") or names, self.fields.get("source") or names, actor)
        paid = [name.strip() for name in self.fields.get("paid", "").split(",") if name.strip()]
        return LoadingOptions(*given, self.fields.get("licence", ""), fetched, fresh, paid=paid)

    def has(self, name: str) -> bool:
        """Whether the field was filled in."""
        return bool(self.fields.get(name))


async def uploaded(request: StaffRequest) -> Upload:
    """The files and fields of this request."""
    form = await request.form()
    fields = {name: value.strip() for name, value in form.multi_items() if isinstance(value, str)}
    home = NamedHome(fields.get("uprn", ""), fields.get("address", ""), fields.get("postcode", ""))
    files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
    return Upload([Source(one.filename, cast(BinaryIO, one.file), home) for one in files if one.filename], fields)
