"""Millions of events about an invented council's deliveries, and what should come of them, worked out apart.

Nothing here asks the product how it counts: verdicts and states follow from how the events were made.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlmodel import Session

from notify.providers.base import Receipt, ReceiptState
from notify.tracking.event_recorder import Seen
from notify.tracking.models import CANARY, HitKind

ALERTS = 40
AGENTS = (  # what it calls itself, its part of the hits, and who that is, of a click and of an open
    ("Mozilla/5.0 (Linux; Android 15; Pixel 8) AppleWebKit/537.36 Chrome/131.0 Mobile Safari/537.36", 0.55),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/131.0 Safari/537.36", 0.25),
    ("Mozilla/5.0", 0.1),  # machine
    ("Mozilla/5.0 (via ggpht.com GoogleImageProxy)", 0.05),  # unknown
    ("python-requests/2.32", 0.05),  # machine
)
MACHINES, UNKNOWNS = (2, 4), (3,)
CLICK, OPEN = 0, 1
SECONDS = 3 * 24 * 3600
STATES = (ReceiptState.DELIVERED, ReceiptState.TEMPORARY_FAILURE, ReceiptState.PERMANENT_FAILURE)
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Events:
    """Half receipts, half clicks and opens; event `e` is the same whoever makes it."""

    alerts: list[UUID]
    each: int  # deliveries of one alert
    receipts: int
    start: datetime
    alert: Ints
    number: Ints  # 0: nobody in particular
    kind: Ints
    agent: Ints
    at: Ints  # milliseconds from the start
    visitor: Ints
    is_canary: NDArray[np.bool_]
    is_machines: NDArray[np.bool_]  # by what several hits tell together

    @property
    def total(self) -> int:
        """How many different events there are."""
        return self.receipts + len(self.alert)

    def receipt(self, e: int) -> Receipt:
        """The event as a provider tells it."""
        delivery, turn = e % (ALERTS * self.each), e // (ALERTS * self.each)
        state = STATES[0] if turn == 0 else STATES[2 if delivery % 10 < 3 else 1]
        return Receipt(f"{self.alerts[delivery // self.each].hex}-{delivery % self.each + 1}", state, "said so")

    def hit(self, h: int) -> Seen:
        """The event as the web took it in."""
        number = int(self.number[h])
        return Seen(
            UUID(int=(7 << 76) + (2 << 62) + h),
            self.start + timedelta(milliseconds=int(self.at[h])),
            self.alerts[int(self.alert[h])],
            number or None,
            HitKind.CLICKED if self.kind[h] == CLICK else HitKind.OPENED,
            CANARY if self.is_canary[h] else 0,
            AGENTS[int(self.agent[h])][0],
            int(self.visitor[h]).to_bytes(8, "big"),
        )

    def expected(self) -> dict[str, Mapping[Any, int]]:
        """What should be counted: deliveries by state, hits by alert, kind and verdict, people by alert and kind."""
        agrees = (self.number > 0) & (self.number % 2 == 1)
        counts = (self.kind == CLICK) | agrees
        verdict = np.where(np.isin(self.agent, UNKNOWNS) | (self.kind == OPEN), 1, 0)  # 0 human, 1 unknown, 2 machine
        verdict = np.where(np.isin(self.agent, MACHINES) | self.is_canary | self.is_machines, 2, verdict)
        hits = _tally((self.alert * 2 + self.kind) * 3 + verdict, counts)
        person = (self.alert * 2 + self.kind) * (self.each + 1) + self.number
        people = _tally(np.unique(person[counts & agrees & (verdict < 2)]) // (self.each + 1))
        deliveries = np.arange(ALERTS * self.each)
        is_second = deliveries < self.receipts - ALERTS * self.each
        failed = int((is_second & (deliveries % 10 < 3)).sum())
        words = ("human", "unknown", "machine")
        return {
            "states": {"delivered": ALERTS * self.each - failed, "permanent-failure": failed},
            "hits": {
                (self.alerts[key // 6], ("clicked", "opened")[key // 3 % 2], words[key % 3]): times
                for key, times in hits.items()
            },
            "people": {(self.alerts[key // 2], ("clicked", "opened")[key % 2]): n for key, n in people.items()},
        }


def _tally(keys: Ints, which: NDArray[np.bool_] | None = None) -> dict[int, int]:
    found, times = np.unique(keys if which is None else keys[which], return_counts=True)
    return dict(zip(found.tolist(), times.tolist(), strict=True))


def make_events(alerts: list[UUID], each: int, total: int, start: datetime) -> Events:
    """`total` different events about so many deliveries `each` of these alerts."""
    dice = np.random.default_rng(7)
    receipts = total // 2
    hits = total - receipts
    alert = dice.integers(0, ALERTS, hits)
    kind = dice.choice(2, hits, p=[0.6, 0.4])
    number = np.where(dice.random(hits) < 0.5, 0, dice.integers(1, each + 1, hits))
    agent = dice.choice(len(AGENTS), hits, p=[part for _, part in AGENTS])
    at = dice.integers(0, SECONDS * 1000, hits)
    visitor = np.arange(hits)
    is_canary, is_machines = np.zeros(hits, bool), np.zeros(hits, bool)
    # scanners: of every hundred hits, two follow links of two alerts in half a second, two find the hidden link
    first = np.arange(0, hits - 4, 100)
    for place, (gap, is_hidden) in {0: (500, False), 2: (3000, True)}.items():
        one, two = first + place, first + place + 1
        visitor[two], at[two] = visitor[one], at[one] + gap
        kind[one], is_canary[one] = CLICK, is_hidden
        kind[two] = kind[two] if is_hidden else CLICK
        alert[two] = (alert[one] + 1) % ALERTS
        is_machines[one] = is_machines[two] = True
    return Events(alerts, each, receipts, start, alert, number, kind, agent, at, visitor, is_canary, is_machines)


def add_ledger(session: Session, council_id: UUID, each: int, start: datetime) -> list[UUID]:
    """So many deliveries of each of the alerts, handed over before `start`; odd numbers agreed to be counted."""
    values = {"council": council_id, "start": start - timedelta(hours=1), "each": each, "alerts": ALERTS}
    session.execute(text(PEOPLE))
    alerts = list(session.execute(text(ALERT), values).scalars())
    for alert in alerts:
        session.execute(text(DELIVERIES), values | {"alert": alert})
        session.execute(text(BATCHES), values | {"alert": alert})
    session.commit()
    return alerts


def begun() -> datetime:
    """A moment three days ago, in whole milliseconds."""
    return (datetime.now(UTC) - timedelta(seconds=SECONDS)).replace(microsecond=0)


PEOPLE = """
    INSERT INTO subscriber (id, council_id, name, language, tracking_consent, created_at, changed_at)
    SELECT ('00000000-0000-0000-0000-00000000000' || n)::uuid, c.id, '', 'en', n = 1, now(), now()
    FROM council c, generate_series(0, 1) n
"""
ALERT = """
    INSERT INTO alert (id, council_id, topic_id, priority, title, body, link, translations, channels, state,
                       content_hash, is_test, submission, created_by, created_at, changed_at, approved_at,
                       expanded_at, finished_at, ledger_month, recipients)
    SELECT uuidv7(), :council, t.id, 'routine', 'Alert ' || n, 'Words.', 'https://example.org/', '{}', '{email}',
           'sent', '', false, 1, 'bench', :start, :start, :start, :start, :start,
           date_trunc('month', now())::date, :each
    FROM generate_series(1, :alerts) n, topic t
    RETURNING id
"""
DELIVERIES = """
    INSERT INTO delivery (month, alert_id, number, contact_id, subscriber_id, channel, language, ward_code, state,
                          provider, sent_at, changed_at, cost)
    SELECT date_trunc('month', now())::date, :alert, n, uuidv7(),
           ('00000000-0000-0000-0000-00000000000' || n % 2)::uuid, 'email',
           CASE WHEN n % 10 = 0 THEN 'cy' ELSE 'en' END,
           'Z05' || lpad((n % 14)::text, 6, '0'), 'sent', 'smtp', :start, :start, 20
    FROM generate_series(1, :each) n
"""
BATCHES = """
    INSERT INTO batch (alert_id, month, channel, lane, number_from, number_to, state, due_at)
    SELECT :alert, date_trunc('month', now())::date, 'email', 'routine', n, least(n + 499, :each), 'done', now()
    FROM generate_series(1, :each, 500) n
"""
