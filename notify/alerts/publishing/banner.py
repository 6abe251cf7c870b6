"""The emergencies that every public page names while they go on, kept for a few seconds so that pages cost no query."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlmodel import Session

from notify.alerts.publishing.incidents import GOES_ON
from notify.core.db import transaction
from notify.languages import spoken
from notify.web import theme

log = logging.getLogger(__name__)

FRESH_S = 10.0
MOST_SHOWN = 3
_NOW = f"""
    SELECT i.ref, i.opened_at, c.slug, m.slug AS now_slug, a.title, a.translations
    FROM incident i JOIN council c ON c.id = i.council_id LEFT JOIN council m ON m.id = c.merged_into_id
    CROSS JOIN LATERAL (
        SELECT n.title, n.translations FROM alert n
        WHERE n.incident_id = i.id AND n.priority = 'emergency' AND n.follow_up IS DISTINCT FROM 'all-clear'
          AND n.state IN ('sending', 'sent') AND n.expanded_at IS NOT NULL AND NOT n.is_test
        ORDER BY n.id DESC LIMIT 1
    ) a
    WHERE i.state = 'open' AND NOT i.is_training AND {GOES_ON}
    ORDER BY i.id DESC
"""  # noqa: S608 - our own words


@dataclass(frozen=True, slots=True)
class Emergency:
    """An incident that goes on, in the words of its newest emergency, for the councils with these short names."""

    ref: str
    since: datetime
    councils: frozenset[str]
    title: str
    translations: Mapping[str, Mapping[str, str]]

    @property
    def words(self) -> tuple[str, str]:
        """Its title and the language of it: the visitor's, where the council translated it."""
        said = self.translations.get(spoken(), {})
        return (said["title"], spoken()) if said.get("title") and said.get("body") else (self.title, "en")


_kept: tuple[Emergency, ...] = ()
_looked_at: float | None = None


def is_stale() -> bool:
    """Whether it is time to look again."""
    return _looked_at is None or time.monotonic() - _looked_at > FRESH_S


def refresh() -> None:
    """Look which emergencies go on. Where the database does not answer, what was known stays."""
    global _kept, _looked_at
    _looked_at = time.monotonic()  # others go on with what is known meanwhile
    try:
        with transaction() as session:
            _kept = tuple(_read(session))
    except Exception:  # a page without a banner is better than none
        log.exception("the emergencies that go on could not be read")


def _read(session: Session) -> Sequence[Emergency]:
    return [
        Emergency(
            row.ref,
            row.opened_at,
            frozenset(slug for slug in (row.slug, row.now_slug) if slug),
            row.title,
            row.translations or {},
        )
        for row in session.execute(text(_NOW))
    ]


def emergencies_now() -> Sequence[Emergency]:
    """Those of the council that this page belongs to; on pages of no council those of every council."""
    council = theme.council()
    return [one for one in _kept if not council or council in one.councils][:MOST_SHOWN]


def forget() -> None:
    """Know nothing, as a process that has just begun."""
    global _kept, _looked_at
    _kept, _looked_at = (), None
