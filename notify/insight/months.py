"""Months and times in UK time."""

from datetime import date


def months_between(since: date, until: date) -> list[str]:
    """Every month from that of `since` to that of `until`, as 2026-11."""
    first, last = since.year * 12 + since.month - 1, until.year * 12 + until.month - 1
    return [f"{count // 12}-{count % 12 + 1:02}" for count in range(first, last + 1)]


def month_name(month: str) -> str:
    """2026-11 as officers read it: Nov 2026."""
    return f"{date.fromisoformat(f'{month}-01'):%b %Y}"
