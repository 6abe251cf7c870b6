"""The rows that enrolment writes: one statement a table, however many residents there are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.core.db import new_id
from notify.subscribers.consent.ledger import give_up
from notify.subscribers.models import Cadence, ConfirmedBy, ConsentAction, ConsentEvidence

REQUEST_LIFE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """Whose residents these are and on whose word. `proof`: nobody need be asked whether the addresses are theirs.

    `asked_by` is the council's actor, and None where the person asked themselves. Contacts of one `sign_up` are
    confirmed by one yes. `must_ask`: a person whose address is confirmed says yes to what is new first. `membership` is
    the one that is changed, where it is known beforehand.
    """

    council_id: UUID
    evidence: ConsentEvidence
    moment: datetime
    proof: ConfirmedBy | None
    asked_by: str | None
    sign_up: UUID | None = None
    must_ask: bool = False
    membership: UUID | None = None

    def said_at(self, given_at: datetime | None) -> datetime | None:
        """When the person said so, as far as anyone knows: now, where they speak for themselves."""
        return given_at or self.evidence.given_at if self.asked_by else self.moment


@dataclass(slots=True)
class Columns:
    """Rows to write, table by table.

    `added` is known once they are written: each person's channels of topics that they followed by others already, as
    `topic:channel`.
    """

    subscriber: list[tuple[object, ...]] = field(default_factory=list)
    contact: list[tuple[object, ...]] = field(default_factory=list)
    request: dict[tuple[UUID, str], tuple[object, ...]] = field(default_factory=dict)
    place: dict[tuple[UUID, str], tuple[object, ...]] = field(default_factory=dict)
    subscription: dict[tuple[UUID, UUID], set[str]] = field(default_factory=dict)
    cadence: dict[tuple[UUID, UUID], Cadence] = field(default_factory=dict)
    consent: list[tuple[object, ...]] = field(default_factory=list)
    moved: list[tuple[UUID, UUID, UUID]] = field(default_factory=list)
    confirmed: list[UUID] = field(default_factory=list)
    changed: list[UUID] = field(default_factory=list)
    added: dict[UUID, list[str]] = field(default_factory=dict)


def write(session: Session, columns: Columns, by: Enrolment) -> None:
    """Everything noted, in one statement a table."""
    values: dict[str, object] = {"moment": by.moment, "council": by.council_id}
    insert(session, INSERT_SUBSCRIBERS, columns.subscriber, **values)
    told = None if by.asked_by else by.moment
    mine: dict[str, object] = {"by": by.proof, "sign_up": by.sign_up, "told": told}
    _move(session, columns.moved, by)
    insert(session, INSERT_CONTACTS, columns.contact, **values, **mine)
    insert(session, INSERT_PLACES, list(columns.place.values()), moment=by.moment)
    following = [
        (new_id(), subscriber_id, topic_id, ",".join(sorted(channels)), columns.cadence[subscriber_id, topic_id])
        for (subscriber_id, topic_id), channels in columns.subscription.items()
    ]
    _follow(session, columns, following, values)
    words = by.evidence.model_dump(include={"wording_version", "language", "source"})
    given: dict[str, object] = words | {"council": by.council_id, "action": ConsentAction.GIVEN}
    insert(session, INSERT_CONSENTS, columns.consent, **given)
    lasts: dict[str, object] = {
        "proved": by.proof is not None,
        "asked_by": by.asked_by,
        "expires": by.moment + REQUEST_LIFE,
    }
    insert(session, INSERT_REQUESTS, list(columns.request.values()), **values, **words, **lasts)
    if columns.confirmed:
        session.execute(
            text("""
                UPDATE contact SET confirmed_at = :moment, confirmed_by = :by
                WHERE id = ANY(:ids) AND confirmed_at IS NULL
            """),
            {"moment": by.moment, "by": by.proof, "ids": columns.confirmed},
        )
    if columns.changed:
        session.execute(
            text("UPDATE subscriber SET changed_at = :moment WHERE id = ANY(:ids)"),
            {"moment": by.moment, "ids": columns.changed},
        )


def _follow(
    session: Session, columns: Columns, following: Sequence[tuple[object, ...]], values: Mapping[str, object]
) -> None:
    """Write the subscriptions, and note the channels that were added to those that were there."""
    if not following:
        return
    for one in session.execute(text(INSERT_SUBSCRIPTIONS), _arrays(following) | dict(values)).all():
        new = [f"{one.topic_id}:{way}" for way in one.channels if way not in one.before]
        columns.added.setdefault(one.subscriber_id, []).extend(new)


def _move(session: Session, moved: Sequence[tuple[UUID, UUID, UUID]], by: Enrolment) -> None:
    """Take contacts out of the sign-ups that nobody confirmed there; each with its membership after and before.

    What was answered in the sign-up waits behind the link that was sent for it, and that link only. It still answers
    for the other councils of that sign-up, unless this is to be confirmed itself.
    """
    kept = [(new_id(), contact, before) for contact, _after, before in moved]
    insert(session, KEEP_ANSWERS, kept, moment=by.moment, expires=by.moment + REQUEST_LIFE)
    insert(session, POINT_LINKS, [one[:1] for one in kept])
    insert(session, POINT_NOTICES, [one[:1] for one in kept])
    insert(session, MOVE_CONTACTS, [one[:2] for one in moved], is_proved=by.proof is not None)
    give_up(session, [before for _contact, _after, before in moved])


def insert(session: Session, sql: str, rows: Sequence[tuple[object, ...]], **values: object) -> None:
    """Write these rows, each a value for every column `c0`, `c1`, … of the statement; nothing where there are none."""
    if rows:
        session.execute(text(sql), _arrays(rows) | values)


def _arrays(rows: Sequence[tuple[object, ...]]) -> dict[str, object]:
    return {f"c{n}": list(column) for n, column in enumerate(zip(*rows, strict=True))}


INSERT_SUBSCRIBERS = """
    INSERT INTO subscriber (id, council_id, name, language, tracking_consent, mail_format, created_at, changed_at)
    SELECT r.id, :council, r.name, r.language, r.tracking, r.mail_format, :moment, :moment
    FROM unnest(CAST(:c0 AS uuid[]), CAST(:c1 AS text[]), CAST(:c2 AS text[]), CAST(:c3 AS boolean[]),
                CAST(:c4 AS text[]))
        AS r (id, name, language, tracking, mail_format)
"""
INSERT_CONTACTS = """
    INSERT INTO contact (id, council_id, subscriber_id, channel, address, address_hash, secret, created_at,
                         confirmed_at, confirmed_by, sign_up, told_at)
    SELECT r.id, :council, r.subscriber_id, r.channel, r.address, r.address_hash, r.secret, :moment,
           r.confirmed_at, CAST(:by AS varchar), CAST(:sign_up AS uuid), CAST(:told AS timestamptz)
    FROM unnest(CAST(:c0 AS uuid[]), CAST(:c1 AS uuid[]), CAST(:c2 AS text[]), CAST(:c3 AS text[]),
                CAST(:c4 AS bytea[]), CAST(:c5 AS text[]), CAST(:c6 AS timestamptz[]))
        AS r (id, subscriber_id, channel, address, address_hash, secret, confirmed_at)
"""
KEEP_ANSWERS = """
    INSERT INTO consent_request (id, council_id, contact_id, is_own, topics, answers, wording_version, language, source,
                                 sign_up, asked_at, expires_at)
    SELECT r.id, c.council_id, c.id, true, u.topics,
           jsonb_build_object('name', s.name, 'language', s.language, 'tracking_consent', s.tracking_consent,
                              'mail_format', s.mail_format, 'cadence', u.cadence, 'places', p.places),
           w.wording_version, w.language, w.source, c.sign_up, :moment, :expires
    FROM unnest(CAST(:c0 AS uuid[]), CAST(:c1 AS uuid[]), CAST(:c2 AS uuid[])) AS r (id, contact_id, before)
    JOIN contact c ON c.id = r.contact_id
    JOIN subscriber s ON s.id = r.before
    CROSS JOIN LATERAL (SELECT array_agg(topic_id ORDER BY topic_id) AS topics, min(cadence) AS cadence
                        FROM subscription
                        WHERE subscriber_id = s.id AND ended_at IS NULL AND c.channel = ANY(channels)) AS u
    CROSS JOIN LATERAL (SELECT coalesce(jsonb_agg(jsonb_build_object(
                                   'postcode', postcode, 'label', label,
                                   'ward', CASE WHEN ward_source = 'resident' THEN ward_code END)
                                   ORDER BY position), '[]') AS places
                        FROM place WHERE subscriber_id = s.id) AS p
    CROSS JOIN LATERAL (SELECT wording_version, language, source FROM consent
                        WHERE subscriber_id = s.id AND topic_id IS NOT NULL AND action = 'given'
                        ORDER BY id DESC LIMIT 1) AS w
    WHERE u.topics IS NOT NULL
    ON CONFLICT (contact_id, is_own) DO NOTHING
"""
POINT_LINKS = """
    UPDATE link_token l SET about = q.id FROM consent_request q
    WHERE q.id = ANY(CAST(:c0 AS uuid[])) AND l.contact_id = q.contact_id AND l.purpose = 'confirm' AND l.about IS NULL
"""
POINT_NOTICES = """
    UPDATE service_message n SET about = q.id FROM consent_request q
    WHERE q.id = ANY(CAST(:c0 AS uuid[])) AND n.contact_id = q.contact_id AND n.kind = 'confirm' AND n.about IS NULL
      AND n.state IN ('created', 'sending')
"""
MOVE_CONTACTS = """
    UPDATE contact c SET subscriber_id = r.subscriber_id, sign_up = CASE WHEN :is_proved THEN c.sign_up END
    FROM unnest(CAST(:c0 AS uuid[]), CAST(:c1 AS uuid[])) AS r (id, subscriber_id)
    WHERE c.id = r.id
"""
INSERT_PLACES = """
    INSERT INTO place (id, subscriber_id, label, postcode, ward_code, district_code, alt_ward_code,
                       near_ward_codes, ward_source, release_id, needs_review, resolved_at, position)
    SELECT c0, c1, c2, c3, c4, c5, split_part(c6, ',', 1), string_to_array(c6, ','), c7, c8, c9, :moment,
           (SELECT coalesce(max(position) + 1, 0) FROM place WHERE subscriber_id = r.c1)
               + row_number() OVER (PARTITION BY r.c1 ORDER BY r.given) - 1
    FROM unnest(CAST(:c0 AS uuid[]), CAST(:c1 AS uuid[]), CAST(:c2 AS text[]), CAST(:c3 AS text[]),
                CAST(:c4 AS text[]), CAST(:c5 AS text[]), CAST(:c6 AS text[]), CAST(:c7 AS text[]),
                CAST(:c8 AS integer[]), CAST(:c9 AS boolean[]))
        WITH ORDINALITY AS r (c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, given)
    ON CONFLICT (subscriber_id, postcode) DO NOTHING
"""
INSERT_SUBSCRIPTIONS = """
    WITH written AS (
    INSERT INTO subscription AS u (id, council_id, subscriber_id, topic_id, channels, cadence, started_at)
    SELECT r.id, :council, r.subscriber_id, r.topic_id, string_to_array(r.channels, ','), r.cadence, :moment
    FROM unnest(CAST(:c0 AS uuid[]), CAST(:c1 AS uuid[]), CAST(:c2 AS uuid[]), CAST(:c3 AS text[]),
                CAST(:c4 AS text[]))
        AS r (id, subscriber_id, topic_id, channels, cadence)
    ON CONFLICT (topic_id, subscriber_id) WHERE ended_at IS NULL
    DO UPDATE SET channels = ARRAY(SELECT DISTINCT unnest(u.channels || excluded.channels) ORDER BY 1)
    RETURNING u.subscriber_id, u.topic_id, u.channels, old.channels AS before
    )
    SELECT * FROM written WHERE before <> channels
"""
INSERT_CONSENTS = """
    INSERT INTO consent (at, is_dated, council_id, subscriber_id, topic_id, channel, action, wording_version, language,
                         source)
    SELECT r.at, r.is_dated, :council, r.subscriber_id, r.topic_id, r.channel, :action, :wording_version, :language,
           :source
    FROM unnest(CAST(:c0 AS timestamptz[]), CAST(:c1 AS boolean[]), CAST(:c2 AS uuid[]), CAST(:c3 AS uuid[]),
                CAST(:c4 AS text[]))
        AS r (at, is_dated, subscriber_id, topic_id, channel)
"""
# the newest wish for a channel stands, and the same one asks again
INSERT_REQUESTS = """
    INSERT INTO contact_request AS q (id, council_id, subscriber_id, channel, address, address_hash, secret, topics,
                                      is_proved, wording_version, language, source, given_at, asked_by, asked_at,
                                      expires_at)
    SELECT r.id, :council, r.subscriber_id, r.channel, r.address, r.address_hash, r.secret,
           CAST(string_to_array(r.topics, ',') AS uuid[]), :proved, :wording_version, :language, :source, r.given_at,
           :asked_by, :moment, :expires
    FROM unnest(CAST(:c0 AS uuid[]), CAST(:c1 AS uuid[]), CAST(:c2 AS text[]), CAST(:c3 AS text[]),
                CAST(:c4 AS bytea[]), CAST(:c5 AS text[]), CAST(:c6 AS text[]), CAST(:c7 AS timestamptz[]))
        AS r (id, subscriber_id, channel, address, address_hash, secret, topics, given_at)
    ON CONFLICT (subscriber_id, channel) DO UPDATE SET
        id = excluded.id, address = excluded.address, address_hash = excluded.address_hash, secret = excluded.secret,
        topics = excluded.topics, is_proved = excluded.is_proved, wording_version = excluded.wording_version,
        language = excluded.language, source = excluded.source, given_at = excluded.given_at,
        asked_by = excluded.asked_by, asked_at = excluded.asked_at, expires_at = excluded.expires_at
"""
