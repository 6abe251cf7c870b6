"""The regular report: what was sent in some days, in words and as a table by topic."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlmodel import Session

from notify.charts.words import pounds
from notify.core import csv_cells
from notify.core.settings import settings
from notify.insight.council.slices import By, Slice, slices
from notify.staff.budgets import PENNY, in_pounds

HEADER = (
    *("topic", "name", "alerts", "recipients", "sent", "delivered", "failed", "unknown", "suppressed", "cancelled"),
    *("cost_pence", "unsubscribed", "complained", "clicks_people_estimated", "opens_indicative"),
)


@dataclass(frozen=True, slots=True)
class Report:
    """The words of an e-mail, and the same by topic as CSV."""

    words: str
    table: bytes
    rows: int


def make(session: Session, council_id: UUID, since: date, until: date) -> Report:
    """The report about these days, both included. It names nobody."""
    in_all = slices(session, council_id, by=By.COUNCIL, since=since, until=until)
    topics = slices(session, council_id, by=By.TOPIC, since=since, until=until)
    table = csv_cells.csv_of(HEADER, [_cells(one) for one in topics]).encode()
    days = f"{since:%-d %B %Y} to {until:%-d %B %Y}"
    if not in_all:
        return Report(f"From {days} no alert was sent.", table, 0)
    return Report(_words(in_all[0], topics, days), table, len(topics))


def _words(one: Slice, topics: Sequence[Slice], days: str) -> str:
    share = f" ({one.delivered / one.sent:.0%})" if one.sent else ""
    lines = [
        f"From {days}:",
        "",
        f"Alerts: {one.alerts:,}",
        f"Messages sent: {one.sent:,} of {one.recipients:,}",
        f"Reported delivered: {one.delivered:,}{share}; not every provider reports it",
        f"Failed: {one.failed:,}",
        f"Cost: {pounds(in_pounds(one.cost))}" + (f"; {one.unpriced:,} without a price" if one.unpriced else ""),
        f"Left by a link: {one.unsubscribed or 0:,}; complaints: {one.complained or 0:,}",
        f"Clicks (people, estimated): {one.clicks_human or 0:,}; opens (indicative): {one.opens or 0:,}",
        "",
        "By topic, messages sent:",
        *(f"  {topic.name}: {topic.sent:,} in {topic.alerts:,} alerts" for topic in topics),
        "",
        f"More: {settings().base_url}/staff/figures",
    ]
    return "\n".join(lines)


def _cells(one: Slice) -> Sequence[object]:
    counts = (one.alerts, one.recipients, one.sent, one.delivered, one.failed, one.unknown, one.suppressed)
    people = (one.unsubscribed, one.complained, one.clicks_human, one.opens)
    return (one.key, one.name, *counts, one.cancelled, one.cost / PENNY, *people)
