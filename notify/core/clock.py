"""The time, from one place, so that tests can hold it."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")  # days and hours as residents and officers mean them

_source: Callable[[], datetime] = lambda: datetime.now(UTC)  # noqa: E731


def now() -> datetime:
    """The current time, aware and in UTC.

    Leases and schedules use the database's clock instead: see `db.transaction`.
    """
    return _source()


def use(source: Callable[[], datetime] | None) -> None:
    """Replace the source of time, or restore the machine's with None. For tests."""
    global _source
    _source = source or (lambda: datetime.now(UTC))


def first_of_month(moment: datetime) -> date:
    """The first day of `moment`'s month in UTC: the key of a monthly partition."""
    return moment.astimezone(UTC).date().replace(day=1)


def midnight(day: date) -> datetime:
    """When this day begins in this country, in UTC."""
    return datetime.combine(day, time(), LONDON).astimezone(UTC)


def uk_time(at: datetime) -> str:
    """UK time for people: `14:05 on 3 March 2027`."""
    local = at.astimezone(LONDON)
    return f"{local:%H:%M} on {local:%-d %B %Y}"


def uk_clock(at: datetime) -> str:
    """UK time of what was today: `14:05`; with the day where it was another one."""
    local = at.astimezone(LONDON)
    today = _source().astimezone(LONDON).date()
    return f"{local:%H:%M}" if local.date() == today else uk_time(at)


def uk_second(at: datetime) -> str:
    """UK time to the second, where minutes do not tell enough: `14:05:09 on 3 March 2027`."""
    local = at.astimezone(LONDON)
    return f"{local:%H:%M:%S} on {local:%-d %B %Y}"


def uk_day(at: date) -> str:
    """A day, or the day in the UK at a moment: `3 March 2027`."""
    day = at.astimezone(LONDON) if isinstance(at, datetime) else at
    return f"{day:%-d %B %Y}"
