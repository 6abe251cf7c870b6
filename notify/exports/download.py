"""A file as an HTTP response."""

from litestar.response import Stream

from notify.exports.dataset_reader import as_text
from notify.exports.file_export import Taken


def handed_out(taken: Taken) -> Stream:
    """The reply that carries the file, with how many rows it has and what to ask for next time."""
    return Stream(
        taken.pieces(),
        media_type=taken.media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{taken.name}"',
            "Cache-Control": "no-store",
            "Extract-Rows": str(taken.rows),
            "Extract-Changed-Until": as_text(taken.changed_until),
        },
    )
