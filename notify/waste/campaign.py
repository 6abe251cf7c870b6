"""A change of rounds as one campaign: everyone whose days differ is told once, with the old and the new day.

Concerned are subscribers with a reminder for a home that changes, and those who follow the topic with a place in a
postcode where homes change. Where its homes change in different ways, the message leads to the page that asks.
What only subscribers of a stream have is told to nobody but those whose own home pays for it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from notify.core import clock
from notify.core.csv_cells import csv_of
from notify.core.errors import Conflict
from notify.deliveries.fan_out import write_ledger
from notify.staff.service import audit
from notify.subscribers.queries import AudienceSql
from notify.subscribers.suppression.scope import IS_SUPPRESSED
from notify.subscribers.topic_places import FOR_PLACE
from notify.waste import messages, queries, releases
from notify.waste.entries import spoken_postcode
from notify.waste.home_days import today
from notify.waste.messages import DayChange
from notify.waste.models import Availability, CollectionRelease

Change = tuple[DayChange, ...]
ASK_ON_THE_PAGE = 0


class NothingToTell(Conflict):
    """No subscriber's days change by this release, or they were told before."""

    title = "There is nothing to tell"


@dataclass(frozen=True, slots=True)
class Campaign:
    """Who would be told: subscribers, and homes that change without a subscriber who named one, by ward."""

    subscribers: int
    homes: int
    letters: int
    letters_by_ward: Sequence[tuple[str, int]]


def before(session: Session, release: CollectionRelease) -> CollectionRelease | None:
    """The release that this one replaces, or replaced."""
    if release.activated_at is None:
        return queries.active_release(session, release.council_id)
    statement = select(CollectionRelease).where(
        CollectionRelease.council_id == release.council_id,
        col(CollectionRelease.ended_at) <= release.activated_at,
        CollectionRelease.id != release.id,
    )
    return session.exec(statement.order_by(col(CollectionRelease.ended_at).desc()).limit(1)).first()


def plan(session: Session, release: CollectionRelease) -> Campaign:
    """Count who would be told, and who would need a letter."""
    _prepare(session, release)
    subscribers, homes, letters = session.execute(text(COUNTS)).one()
    by_ward = session.execute(text(LETTERS_BY_WARD)).all()
    return Campaign(subscribers, homes, letters, [(row[0], row[1]) for row in by_ward])


def send(session: Session, release: CollectionRelease, *, actor: str) -> int:
    """Tell everyone concerned, once for a release that is active; how many messages. Raises: NothingToTell."""
    topic = messages.topic_of(session, release.council_id)
    session.refresh(release, with_for_update=True)  # two officers who press at once tell once
    if release.told_at is not None or release.activated_at is None or topic is None:
        raise NothingToTell("Put the release into force first. Its subscribers are told once.")
    known = _prepare(session, release)
    streams = dict(queries.streams(session, release.council_id))
    written = 0
    for number in session.execute(text("SELECT DISTINCT change FROM concerned ORDER BY 1")).scalars().all():
        alert = messages.make_alert(
            topic,
            partial(messages.round_change, known[number] if number != ASK_ON_THE_PAGE else (), streams),
            about=f"release {release.id} change {number}",
            expires_at=messages.end_of(today() + releases.COMPARED),
            webhook=messages.WebhookWords("collection.rounds-changed"),
        )
        session.add(alert)
        session.flush()
        readers = {"change": number, "topic": topic.id, "channels": list(alert.channels)}
        written += write_ledger(session, alert, AudienceSql(READERS, readers))
    if not written:
        raise NothingToTell("No subscriber's days change by this release.")
    release.told_at, release.told = clock.now(), written
    session.add(release)
    audit(
        session,
        council_id=release.council_id,
        actor=actor,
        action="collections.campaign",
        subject=str(release.id),
        messages=written,
    )
    return written


def letters(session: Session, release: CollectionRelease, *, actor: str) -> str:
    """Homes that change and whose subscriber did not name them, with old and new days, as CSV. It is audited."""
    known = _prepare(session, release)
    rows = session.execute(text(LETTERS)).all()
    lines = []
    for reference, label, postcode, number in rows:
        for one in known[number]:
            lines.append([reference, label, spoken_postcode(postcode), one.stream, one.old, one.new])
    audit(
        session,
        council_id=release.council_id,
        actor=actor,
        action="collections.letters",
        subject=str(release.id),
        homes=len(rows),
    )
    return csv_of(["reference", "address", "postcode", "stream", "old day", "new day"], lines)


def _prepare(session: Session, release: CollectionRelease) -> Mapping[int, Change]:
    """Which homes change in which way and who is concerned, in temporary tables; the ways by number."""
    old = before(session, release)
    pairs = {"new": release.id, "old": old.id if old else 0}
    known: dict[Change, int] = {}
    rows = []
    first, last = today(), today() + releases.COMPARED
    old_days = releases.days_of(session, old, first, last) if old else {}
    new_days = releases.days_of(session, release, first, last)
    streams = queries.streams(session, release.council_id)
    hidden = {code for code, one in streams.items() if one.availability == Availability.SUBSCRIBERS}
    session.execute(text(TABLES))
    session.execute(text(PAIRED), pairs | {"today": first})
    for old_rules, new_rules, paid in session.execute(text(WAYS)).all():
        was, will = releases.joined(old_days, old_rules), releases.joined(new_days, new_rules)
        own = _change(was, will, hidden - set(paid))
        if own:
            numbers = [
                known.setdefault(one, len(known) + 1) if one else None for one in (own, _change(was, will, hidden))
            ]
            row = dict(zip(("change", "open_change"), numbers, strict=True))
            rows.append(row | {"old": old_rules, "new": new_rules, "paid": paid})
    if rows:
        session.execute(text(ADD_WAY), rows)
    topic = messages.topic_of(session, release.council_id)
    values = {**pairs, "council": release.council_id, "topic": topic.id if topic else UUID(int=0)}
    for statement in (CHANGED_HOMES, "ANALYZE changed_home", CONCERNED, "ANALYZE concerned"):
        session.execute(text(statement), values)
    return {number: change for change, number in known.items()}


def _change(old: Mapping[str, frozenset[date]], new: Mapping[str, frozenset[date]], hidden: Collection[str]) -> Change:
    found = []
    for stream in sorted((old.keys() | new.keys()) - set(hidden)):
        was, will = old.get(stream, frozenset()), new.get(stream, frozenset())
        if was != will:
            found.append(DayChange(stream, min(was - will, default=None), min(will - was, default=None)))
    return tuple(found)


# `open_change` is what anybody may know of a home, `change` what it also pays for
TABLES = """
    CREATE TEMP TABLE IF NOT EXISTS paired_home (reference text, label text, postcode text, old_rules bigint[],
        new_rules bigint[], paid text[]) ON COMMIT DROP;
    CREATE TEMP TABLE IF NOT EXISTS change_of (old_rules bigint[], new_rules bigint[], paid text[], change integer,
        open_change integer) ON COMMIT DROP;
    CREATE TEMP TABLE IF NOT EXISTS changed_home (reference text, label text, postcode text, change integer,
        open_change integer) ON COMMIT DROP;
    CREATE TEMP TABLE IF NOT EXISTS concerned (subscriber_id uuid, change integer) ON COMMIT DROP;
    TRUNCATE paired_home, change_of, changed_home, concerned;
"""
PAIRED = """
    INSERT INTO paired_home
    SELECT w.reference, w.label, w.postcode, o.rules, w.rules,
           ARRAY(SELECT DISTINCT v.stream FROM collection_service v WHERE v.release_id IN (:old, :new)
                 AND v.reference = w.reference AND v.ends >= :today ORDER BY 1)
    FROM collection_home o JOIN collection_home w ON w.release_id = :new AND w.reference = o.reference
    WHERE o.release_id = :old
"""
WAYS = "SELECT DISTINCT old_rules, new_rules, paid FROM paired_home"
ADD_WAY = "INSERT INTO change_of VALUES (:old, :new, :paid, :change, :open_change)"
CHANGED_HOMES = """
    INSERT INTO changed_home
    SELECT w.reference, w.label, w.postcode, c.change, c.open_change
    FROM paired_home w JOIN change_of c USING (old_rules, new_rules, paid)
"""
# a reminder says which home it is; else the postcode does where all its homes change alike. Whose homes change in
# different ways is told once, to look
CONCERNED = f"""
    WITH alike AS (
        SELECT h.postcode,
               CASE WHEN count(DISTINCT coalesce(c.open_change, -1)) = 1 THEN min(c.open_change) ELSE 0 END AS change
        FROM collection_home h LEFT JOIN changed_home c ON c.reference = h.reference
        WHERE h.release_id = :new AND h.postcode IN (SELECT postcode FROM changed_home WHERE open_change IS NOT NULL)
        GROUP BY h.postcode
    )
    INSERT INTO concerned
    SELECT one.subscriber_id, CASE WHEN count(DISTINCT one.change) = 1 THEN min(one.change) ELSE 0 END FROM (
        SELECT r.subscriber_id, CASE WHEN EXISTS (
            SELECT FROM place p WHERE p.subscriber_id = r.subscriber_id AND p.postcode = c.postcode
        ) THEN c.change ELSE c.open_change END AS change
        FROM collection_reminder r JOIN changed_home c ON c.reference = r.home WHERE r.council_id = :council
        UNION ALL
        SELECT u.subscriber_id, a.change
        FROM subscription u JOIN place p ON p.subscriber_id = u.subscriber_id AND {FOR_PLACE.format(place="p")}
        JOIN alike a ON a.postcode = p.postcode
        WHERE u.topic_id = :topic AND u.ended_at IS NULL AND NOT EXISTS (
            SELECT FROM collection_reminder r WHERE r.subscriber_id = u.subscriber_id)
    ) one WHERE one.change IS NOT NULL GROUP BY one.subscriber_id
"""
READERS = f"""
    SELECT c.id AS contact_id, c.subscriber_id, c.channel, s.language, p.ward_code
    FROM concerned k
    JOIN subscription u ON u.subscriber_id = k.subscriber_id AND u.topic_id = :topic AND u.ended_at IS NULL
    JOIN subscriber s ON s.id = k.subscriber_id
    JOIN contact c ON c.subscriber_id = k.subscriber_id AND c.confirmed_at IS NOT NULL AND NOT {IS_SUPPRESSED}
         AND c.channel = ANY(u.channels) AND c.channel = ANY(:channels)
    LEFT JOIN place p ON p.subscriber_id = s.id AND p.position = 0
    WHERE k.change = :change
"""
_UNTOLD = """NOT EXISTS (SELECT FROM collection_reminder r JOIN concerned k ON k.subscriber_id = r.subscriber_id
                       WHERE r.home = c.reference)"""
COUNTS = f"""
    SELECT (SELECT count(*) FROM concerned), (SELECT count(*) FROM changed_home),
           (SELECT count(*) FROM changed_home c WHERE {_UNTOLD})
"""
LETTERS = f"SELECT c.reference, c.label, c.postcode, c.change FROM changed_home c WHERE {_UNTOLD} ORDER BY 3, 1"
LETTERS_BY_WARD = f"""
    SELECT coalesce(a.name, p.ward_code, 'Unknown') AS ward, count(*) AS homes
    FROM changed_home c
    LEFT JOIN geo_release g ON g.kind = 'postcode' AND g.activated_at IS NOT NULL AND g.retired_at IS NULL
    LEFT JOIN postcode p ON p.release_id = g.id AND p.key = c.postcode
    LEFT JOIN geo_release w ON w.kind = 'ward' AND w.activated_at IS NOT NULL AND w.retired_at IS NULL
    LEFT JOIN area a ON a.release_id = w.id AND a.code = p.ward_code
    WHERE {_UNTOLD} GROUP BY 1 ORDER BY 2 DESC, 1
"""
