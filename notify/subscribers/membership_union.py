"""One membership of two: where both councils of a merger hold an address that its owner confirmed, places and topics
are united, and the newest word on each topic and channel wins.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from notify.core import clock
from notify.subscribers.consent.order import SAID_AT
from notify.subscribers.topic_places import WIDER


def unite(session: Session, *, old_id: UUID, new_id: UUID, copied: Sequence[UUID]) -> Mapping[UUID, UUID]:
    """Unite the memberships of the old council with those of the new one that have an address of theirs: those that are
    gone for it, each with the one it became part of. `copied` are topics that only the old council had.

    An address that both hold goes to the new council's membership, with what the old one sent there. Another confirmed
    address goes along unless that membership has one of its kind: then a membership of its own stays for it.
    """
    values = {"old": old_id, "new": new_id, "copied": list(copied), "moment": clock.now()}
    for step in (PAIRS, COMPANIONS, WORDS_OF_NO, END, FOLLOW, PLACES, PERSON, *LINKS, MOVE_COMPANIONS, LEDGER):
        session.execute(text(step), values)
    gone = {before: after for before, after in session.execute(text(REMOVE), values).all()}
    session.execute(text("DROP TABLE merger_pair, merger_no"))
    return gone


PAIRS = """
    CREATE TEMP TABLE merger_pair ON COMMIT DROP AS
    SELECT a.id AS old_contact, b.id AS new_contact, a.subscriber_id AS s, b.subscriber_id AS t, a.channel,
           row_number() OVER (PARTITION BY a.subscriber_id ORDER BY b.confirmed_at DESC, b.id) = 1 AS is_first
    FROM contact a JOIN contact b USING (address_hash)
    WHERE a.council_id = :old AND b.council_id = :new AND a.confirmed_at IS NOT NULL AND b.confirmed_at IS NOT NULL
"""
COMPANIONS = """
    INSERT INTO merger_pair (old_contact, new_contact, s, t, channel, is_first)
    SELECT DISTINCT ON (p.t, c.channel) c.id, CAST(NULL AS uuid), p.s, p.t, c.channel, false
    FROM merger_pair p JOIN contact c ON c.subscriber_id = p.s AND c.confirmed_at IS NOT NULL
    WHERE p.is_first AND NOT EXISTS (SELECT FROM merger_pair q WHERE q.old_contact = c.id)
      AND NOT EXISTS (SELECT FROM contact k WHERE k.subscriber_id = p.t AND k.channel = c.channel)
    ORDER BY p.t, c.channel, c.confirmed_at DESC, c.id
"""
# A no to everything is a no to what that council had. Consents of the councils are distinguished by their memberships.
WORDS_OF_NO = f"""
    CREATE TEMP TABLE merger_no ON COMMIT DROP AS
    SELECT p.t, p.channel, m.id AS topic_id
    FROM merger_pair p
    JOIN topic m ON m.council_id = :new
    JOIN LATERAL (
        SELECT l.action FROM consent l LEFT JOIN topic o ON o.id = l.topic_id
        WHERE l.subscriber_id IN (p.s, p.t) AND l.action IN ('given', 'withdrawn')
          AND (l.channel = p.channel OR l.channel IS NULL)
          AND (coalesce(o.merged_into_id, l.topic_id) = m.id
               OR l.topic_id IS NULL AND l.action = 'withdrawn'
                  AND CASE WHEN l.subscriber_id = p.t THEN m.id <> ALL (CAST(:copied AS uuid[]))
                           ELSE EXISTS (SELECT FROM topic f WHERE f.council_id = :old AND f.merged_into_id = m.id) END)
        ORDER BY {SAID_AT} DESC, l.id DESC LIMIT 1
    ) newest ON newest.action = 'withdrawn'
    GROUP BY p.t, p.channel, m.id
"""  # noqa: S608 - our own words
END = """
    UPDATE subscription u
    SET channels = ARRAY(SELECT unnest(u.channels) EXCEPT SELECT unnest(n.channels) ORDER BY 1),
        ended_at = CASE WHEN u.channels <@ n.channels THEN CAST(:moment AS timestamptz) END,
        ended_reason = CASE WHEN u.channels <@ n.channels THEN 'merged' END
    FROM (SELECT t, topic_id, array_agg(DISTINCT CAST(channel AS text)) AS channels
          FROM merger_no GROUP BY t, topic_id) n
    WHERE u.subscriber_id = n.t AND u.topic_id = n.topic_id AND u.ended_at IS NULL AND u.channels && n.channels
"""
FOLLOW = f"""
    INSERT INTO subscription AS u (id, council_id, subscriber_id, topic_id, channels, cadence, only_at, started_at)
    SELECT uuidv7(), :new, p.t, o.merged_into_id, array_agg(DISTINCT CAST(p.channel AS text)), min(f.cadence),
           CASE WHEN bool_and(f.only_at IS NOT NULL)
                THEN string_to_array(string_agg(array_to_string(f.only_at, ','), ','), ',') END,
           min(f.started_at)
    FROM merger_pair p
    JOIN subscription f ON f.subscriber_id = p.s AND f.ended_at IS NULL AND p.channel = ANY(f.channels)
    JOIN topic o ON o.id = f.topic_id
    WHERE NOT EXISTS (SELECT FROM merger_no n
                      WHERE n.t = p.t AND n.channel = p.channel AND n.topic_id = o.merged_into_id)
    GROUP BY p.t, o.merged_into_id
    ON CONFLICT (topic_id, subscriber_id) WHERE ended_at IS NULL
    DO UPDATE SET channels = ARRAY(SELECT DISTINCT unnest(u.channels || excluded.channels) ORDER BY 1),
        only_at = {WIDER}
"""  # noqa: S608 - our own words
PLACES = """
    INSERT INTO place (id, subscriber_id, label, postcode, ward_code, district_code, alt_ward_code, ward_source,
                       release_id, needs_review, resolved_at, position)
    SELECT uuidv7(), n.t, n.label, n.postcode, n.ward_code, n.district_code, n.alt_ward_code, n.ward_source,
           n.release_id, n.needs_review, n.resolved_at,
           (SELECT coalesce(max(position) + 1, 0) FROM place WHERE subscriber_id = n.t)
               + row_number() OVER (PARTITION BY n.t ORDER BY n.s, n.position) - 1
    FROM (SELECT DISTINCT ON (p.t, f.postcode) p.t, p.s, f.*
          FROM merger_pair p JOIN place f ON f.subscriber_id = p.s ORDER BY p.t, f.postcode, f.position) n
    WHERE NOT EXISTS (SELECT FROM place h WHERE h.subscriber_id = n.t AND h.postcode = n.postcode)
"""
# who is counted is who said so last; what the new council's membership leaves open is filled
PERSON = f"""
    UPDATE subscriber t
    SET name = CASE WHEN t.name = '' THEN s.name ELSE t.name END,
        tracking_consent = coalesce((
            SELECT l.action = 'given' FROM consent l
            WHERE l.subscriber_id IN (s.id, t.id) AND l.channel = 'tracking' ORDER BY {SAID_AT} DESC, l.id DESC
            LIMIT 1),
            t.tracking_consent AND s.tracking_consent),
        paused_until = greatest(t.paused_until, s.paused_until),
        quiet_from = coalesce(t.quiet_from, s.quiet_from),
        quiet_to = CASE WHEN t.quiet_from IS NULL THEN s.quiet_to ELSE t.quiet_to END,
        changed_at = :moment
    FROM merger_pair p JOIN subscriber s ON s.id = p.s
    WHERE t.id = p.t AND p.is_first
"""  # noqa: S608 - our own words
_PAIRED = "FROM merger_pair p WHERE p.new_contact IS NOT NULL"
LINKS = (
    f"""INSERT INTO contact_before (old_id, council_id, contact_id)
        SELECT p.old_contact, :old, p.new_contact {_PAIRED} ON CONFLICT DO NOTHING""",
    f"UPDATE contact_before b SET contact_id = p.new_contact {_PAIRED} AND b.contact_id = p.old_contact",  # noqa: S608
    f"UPDATE link_token k SET contact_id = p.new_contact {_PAIRED} AND k.contact_id = p.old_contact",  # noqa: S608
    f"UPDATE service_message k SET contact_id = p.new_contact {_PAIRED} AND k.contact_id = p.old_contact",  # noqa: S608
    # what waits for a digest waits for the address
    f"""UPDATE digest_item i SET contact_id = p.new_contact, subscriber_id = p.t
        {_PAIRED} AND i.contact_id = p.old_contact""",  # noqa: S608
    f"UPDATE reply r SET subscriber_id = p.t {_PAIRED} AND p.is_first AND r.subscriber_id = p.s",  # noqa: S608
    "DELETE FROM contact c USING merger_pair p WHERE c.id = p.old_contact AND p.new_contact IS NOT NULL",
)
MOVE_COMPANIONS = """
    WITH known AS (
        INSERT INTO contact_before (old_id, council_id, contact_id)
        SELECT p.old_contact, :old, p.old_contact FROM merger_pair p WHERE p.new_contact IS NULL ON CONFLICT DO NOTHING
    )
    UPDATE contact c SET subscriber_id = p.t, council_id = :new
    FROM merger_pair p WHERE c.id = p.old_contact AND p.new_contact IS NULL
"""
# The words of a membership that is gone become the other's. Of one that stays, those about the address are copied.
LEDGER = """
    INSERT INTO consent (at, is_dated, council_id, subscriber_id, topic_id, channel, action, wording_version, language,
                         source)
    SELECT DISTINCT l.at, l.is_dated, CAST(:new AS uuid), p.t, coalesce(o.merged_into_id, l.topic_id), l.channel,
           l.action, l.wording_version, l.language, l.source
    FROM merger_pair p JOIN consent l ON l.subscriber_id = p.s AND (l.channel = p.channel OR l.channel IS NULL)
    LEFT JOIN topic o ON o.id = l.topic_id
    WHERE EXISTS (SELECT FROM contact c WHERE c.subscriber_id = p.s)
    ORDER BY l.at
"""
REMOVE = """
    WITH gone AS (
        SELECT s, t FROM merger_pair p
        WHERE is_first AND NOT EXISTS (SELECT FROM contact c WHERE c.subscriber_id = p.s)
    ), words AS (
        UPDATE consent l SET subscriber_id = g.t FROM gone g WHERE l.subscriber_id = g.s
    )
    DELETE FROM subscriber d USING gone g WHERE d.id = g.s RETURNING d.id, g.t
"""
