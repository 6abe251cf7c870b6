"""Sources of collection days that are fetched by themselves: where from, how often, and what became of it."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Field, Session, col, select

from notify.core import clock
from notify.core.clock import LONDON
from notify.core.db import Input, transaction
from notify.core.errors import Invalid, NotFound, NotifyError
from notify.core.typed_text import Typed
from notify.providers.base import ProviderRejected
from notify.providers.webhook import ssrf
from notify.staff.queries import council
from notify.staff.service import audit
from notify.waste import queries, release_loading, releases
from notify.waste.file_shapes import Source
from notify.waste.models import CollectionRelease, CollectionSource
from notify.waste.release_loading import LoadingOptions
from notify.waste.source_files import FOLDER, FetchedFile, fetched

log = logging.getLogger(__name__)

ACTOR = "engine:collections"
MOST_SOURCES = 10
AT_ONCE = 4
CLAIM = """
    UPDATE collection_source SET next_at = :now + every_hours * interval '1 hour' WHERE id = (
        SELECT f.id FROM collection_source f
        JOIN council c ON c.id = f.council_id AND c.merged_into_id IS NULL AND c.closed_at IS NULL
        WHERE f.next_at <= :now ORDER BY f.next_at LIMIT 1 FOR UPDATE OF f SKIP LOCKED
    ) RETURNING id
"""


class UnknownSource(NotFound):
    """The council has no such source."""

    title = "There is no such source of collection days"


class SourceNotValid(Invalid):
    """The source cannot be fetched."""

    title = "The source cannot be added"


class NewSource(Input):
    """A file to fetch every so many hours: from a web address, or `folder` for the council's own on the machine.

    A release that changes or ends the days of at most `most_changes` homes is put into force by itself.
    """

    address: Typed = Field(min_length=1, max_length=500)
    name: Typed = Field(min_length=1, max_length=100)
    licence: Typed = Field(default="", max_length=200)
    paid: list[Typed] = Field(default_factory=list, max_length=20)
    every_hours: int = Field(default=24, ge=1, le=744)
    most_changes: int | None = Field(default=None, ge=0, le=1_000_000)


def sources(session: Session, council_id: UUID) -> Sequence[CollectionSource]:
    """The council's sources, the oldest first."""
    statement = select(CollectionSource).where(CollectionSource.council_id == council_id)
    return session.exec(statement.order_by(col(CollectionSource.created_at))).all()


def add(session: Session, council_id: UUID, new: NewSource, *, actor: str) -> CollectionSource:
    """Fetch this from now on. Raises: SourceNotValid."""
    if new.address != FOLDER:
        try:
            ssrf.read(new.address)
        except ProviderRejected:
            raise SourceNotValid("Enter an address that begins with https://, or “folder”.", field="address") from None
    if len(sources(session, council_id)) >= MOST_SOURCES:
        raise SourceNotValid(f"There are {MOST_SOURCES} already: remove one.", field="address")
    made = CollectionSource(council_id=council_id, created_by=actor, **new.model_dump())
    session.add(made)
    session.flush()
    said = new.model_dump(mode="json", exclude_defaults=True)
    audit(session, council_id=council_id, actor=actor, action="collections.source", subject=str(made.id), **said)
    return made


def remove(session: Session, council_id: UUID, source_id: UUID, *, actor: str) -> None:
    """Fetch this no more; releases stay. Raises: UnknownSource."""
    found = source(session, council_id, source_id)
    audit(
        session,
        council_id=council_id,
        actor=actor,
        action="collections.source.remove",
        subject=str(found.id),
        address=found.address,
    )
    session.delete(found)


def source(session: Session, council_id: UUID, source_id: UUID) -> CollectionSource:
    """One of the council's sources. Raises: UnknownSource."""
    found = session.get(CollectionSource, source_id)
    if found is None or found.council_id != council_id:
        raise UnknownSource("It may have been removed, or is another council's.")
    return found


def fetch_soon(session: Session, council_id: UUID, source_id: UUID) -> CollectionSource:
    """Have the source fetched within a minute. Raises: UnknownSource."""
    found = source(session, council_id, source_id)
    found.next_at = clock.now()
    session.add(found)
    return found


def fetch_due() -> int:
    """Fetch every source whose turn it is, a few at a time; how many. Each answers for itself. For the scheduler."""
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="collection source") as pool:
        return sum(pool.map(lambda _: _fetch_in_turn(), range(AT_ONCE)))


def _fetch_in_turn() -> int:
    """One after another until none is due: a slow one holds up nobody but itself."""
    count = 0
    while (source_id := _claim()) is not None:
        _fetch(source_id)
        count += 1
    return count


def _claim() -> UUID | None:
    with transaction() as session:
        found: UUID | None = session.execute(text(CLAIM), {"now": clock.now()}).scalar()
        return found


def _fetch(source_id: UUID) -> None:
    with transaction() as session:
        one = session.get_one(CollectionSource, source_id)
        address, slug = one.address, council(session, one.council_id).slug
    try:
        with fetched(address, slug) as found, transaction() as session:
            _take(session, session.get_one(CollectionSource, source_id), found)
    except NotifyError as error:
        _say_failing(source_id, error.detail)
    except Exception as error:  # one file must not keep the sources of others from their turn
        log.exception("Source of collection days %s failed", source_id)
        _say_failing(source_id, f"It could not be read: {type(error).__name__}.")


def _say_failing(source_id: UUID, why: str) -> None:
    with transaction() as session:
        if failing := session.get(CollectionSource, source_id):
            _say(failing, why, is_failing=True)
            session.add(failing)


def _take(session: Session, one: CollectionSource, found: FetchedFile) -> None:
    """Load what is new; what is the same makes the days that are in force as fresh as now."""
    active = queries.active_release(session, one.council_id)
    if found.digest == one.content_hash:
        if active and active.id == one.release_id:
            _refresh(session, active)
        _say(one, "Nothing new.")
        return
    options = LoadingOptions(found.name, one.name, f"source:{one.id}", one.licence, paid=one.paid)
    made = release_loading.load(session, one.council_id, [Source(found.name, found.file)], options)
    compared = releases.compare(session, made)
    one.content_hash, one.release_id = found.digest, made.id
    changes = f"{compared.new:,} homes new, {compared.changed:,} change day, {compared.gone:,} gone"
    if one.most_changes is not None and compared.changed + compared.gone <= one.most_changes:
        releases.activate(session, made, actor=ACTOR)
        _say(one, f"Release {made.id} was put into force: {changes}.")
    else:
        _say(one, f"Release {made.id} waits for you: {changes}.")


def _refresh(session: Session, active: CollectionRelease) -> None:
    kept = active.fresh_until - active.fetched_at.astimezone(LONDON).date()
    now = clock.now()
    active.fetched_at = now
    active.fresh_until = now.astimezone(LONDON).date() + max(kept, timedelta())
    session.add(active)


def _say(one: CollectionSource, result: str, *, is_failing: bool = False) -> None:
    one.result, one.result_at, one.is_failing = result, clock.now(), is_failing
