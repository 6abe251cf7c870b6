"""Moments in questions."""

from datetime import datetime

from notify.core.errors import Invalid


class MomentWithoutZone(Invalid):
    """A moment that could mean two."""

    title = "The moment has no time zone"


def aware(moment: datetime | None) -> datetime | None:
    """The same moment. Raises: MomentWithoutZone when it does not say which clock it is on."""
    if moment is not None and moment.tzinfo is None:
        raise MomentWithoutZone("Write moments with their zone, such as 2026-12-01T18:00:00Z.")
    return moment
