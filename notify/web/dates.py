"""Days and times for people, in the language of the page and in UK time."""

from datetime import date, datetime

from babel.dates import format_date, format_datetime

from notify.core.clock import LONDON
from notify.languages import spoken


def moment(at: datetime) -> str:
    """`Tuesday 24 November 2026, 09:30`."""
    return str(format_datetime(at.astimezone(LONDON), "EEEE d MMMM y, HH:mm", locale=spoken()))


def day(at: date) -> str:
    """`24 November 2026`."""
    return str(format_date(at, "d MMMM y", locale=spoken()))
