"""A subscriber is one council's: whoever follows two councils becomes two rows, which nothing but an address joins."""

from alembic import op

revision = "0025"
down_revision = "0024"

COLUMNS = """
ALTER TABLE subscriber ADD COLUMN council_id uuid REFERENCES council (id);
ALTER TABLE contact ADD COLUMN council_id uuid, ADD COLUMN confirmed_by varchar(32), ADD COLUMN sign_up uuid,
    ADD COLUMN told_at timestamptz,
    DROP CONSTRAINT contact_address_hash_key;
ALTER TABLE subscription ADD COLUMN council_id uuid;
ALTER TABLE consent ADD COLUMN council_id uuid REFERENCES council (id);
-- without a council it is a fact about the address; some councils may have lifted that for themselves
ALTER TABLE suppression ADD COLUMN council_id uuid REFERENCES council (id),
    ADD COLUMN lifted_for uuid[] NOT NULL DEFAULT '{}';
ALTER TABLE notice ADD COLUMN about uuid;
ALTER TABLE link_token ADD COLUMN about uuid;
DROP INDEX suppression_in_force;

DROP TABLE resident_session;
CREATE TABLE resident_session (
    digest bytea PRIMARY KEY,
    address_hash bytea NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE TABLE contact_before (
    old_id uuid NOT NULL,
    council_id uuid NOT NULL REFERENCES council (id),
    contact_id uuid NOT NULL REFERENCES contact (id) ON DELETE CASCADE,
    PRIMARY KEY (old_id, council_id)
);
CREATE INDEX contact_before_by_contact ON contact_before (contact_id);
"""

# Who is held by which council: whoever has a subscription of its. Lines of the ledger alone are what is left of people
# whom that council erased. The council of the earliest word keeps the row, the others get rows and ids of their own.
SPLIT = """
CREATE TEMP TABLE hold ON COMMIT DROP AS
    SELECT h.subscriber_id, h.council_id, min(h.at) AS at, bool_or(h.is_held) AS is_held, bool_or(h.is_told) AS is_told
    FROM (
        SELECT u.subscriber_id, t.council_id, u.started_at AS at, true AS is_held, false AS is_told
        FROM subscription u JOIN topic t ON t.id = u.topic_id
        UNION ALL
        SELECT c.subscriber_id, t.council_id, c.at, false,
               -- our own page says that every council whose topics are chosen gets the answers
               c.action = 'given' AND c.wording_version NOT LIKE '%/%'
        FROM consent c JOIN topic t ON t.id = c.topic_id
    ) h GROUP BY 1, 2;
CREATE TEMP TABLE ranked ON COMMIT DROP AS
    SELECT h.*, s.id IS NOT NULL AS is_here,
           row_number() OVER (PARTITION BY h.subscriber_id ORDER BY h.is_held DESC, h.at, h.council_id) AS n
    FROM hold h LEFT JOIN subscriber s ON s.id = h.subscriber_id;
CREATE TEMP TABLE split ON COMMIT DROP AS
    SELECT subscriber_id AS old, council_id, uuidv7() AS new, at, is_told, is_held AND is_here AS is_held
    FROM ranked WHERE n > 1;
CREATE INDEX ON split (old, council_id);
ANALYZE split;

UPDATE subscriber s SET council_id = r.council_id FROM ranked r WHERE r.subscriber_id = s.id AND r.n = 1 AND r.is_held;
UPDATE subscriber s SET council_id = e.council_id
    FROM audit_entry e
    WHERE s.council_id IS NULL AND e.action = 'subscriber.add' AND e.subject = s.id::text AND e.council_id IS NOT NULL;
UPDATE subscriber s SET council_id = (SELECT id FROM council)
    WHERE s.council_id IS NULL AND (SELECT count(*) FROM council) = 1;
DELETE FROM subscriber WHERE council_id IS NULL;  -- no council sees them, and nothing is sent to them

INSERT INTO subscriber (id, council_id, name, language, tracking_consent, created_at, changed_at, erased_at,
                        paused_until, quiet_from, quiet_to, mail_format)
    SELECT p.new, p.council_id, CASE WHEN p.is_told THEN s.name ELSE '' END, s.language,
           p.is_told AND s.tracking_consent, p.at, business_now(), s.erased_at,
           s.paused_until, s.quiet_from, s.quiet_to, s.mail_format
    FROM split p JOIN subscriber s ON s.id = p.old WHERE p.is_held;
"""

# a council keeps the contacts that it was given, by what it wrote to and what the ledger says
CONTACTS = """
CREATE TEMP TABLE way ON COMMIT DROP AS
    SELECT DISTINCT subscriber_id, council_id, channel FROM (
        SELECT u.subscriber_id, t.council_id, unnest(u.channels) AS channel
        FROM subscription u JOIN topic t ON t.id = u.topic_id
        UNION ALL
        SELECT c.subscriber_id, t.council_id, c.channel FROM consent c JOIN topic t ON t.id = c.topic_id
        WHERE c.channel IS NOT NULL
    ) w WHERE subscriber_id IN (SELECT old FROM split WHERE is_held);
CREATE TEMP TABLE split_contact ON COMMIT DROP AS
    SELECT c.id AS old, p.council_id, uuidv7() AS new, p.new AS subscriber_id
    FROM split p JOIN contact c ON c.subscriber_id = p.old
    JOIN way w ON w.subscriber_id = p.old AND w.council_id = p.council_id AND w.channel = c.channel
    WHERE p.is_held;
UPDATE contact c SET council_id = s.council_id, told_at = c.created_at,
        confirmed_by = CASE WHEN c.confirmed_at IS NOT NULL THEN coalesce((
            SELECT l.source FROM consent l
            WHERE l.subscriber_id = s.id AND l.action = 'confirmed' AND l.channel = c.channel
              AND l.source IN ('link', 'code') ORDER BY l.id LIMIT 1), 'council') END
    FROM subscriber s WHERE s.id = c.subscriber_id;
-- one yes of theirs is still a yes to all the councils of that sign-up
UPDATE contact c SET sign_up = g.sign_up
    FROM (SELECT old, uuidv7() AS sign_up FROM (SELECT DISTINCT old FROM split WHERE is_held) o) g
    WHERE c.subscriber_id = g.old AND c.confirmed_at IS NULL;
INSERT INTO contact (id, council_id, subscriber_id, channel, address, address_hash, secret, created_at, confirmed_at,
                     confirmed_by, sign_up, told_at)
    SELECT p.new, p.council_id, p.subscriber_id, c.channel, c.address, c.address_hash, c.secret, c.created_at,
           c.confirmed_at, c.confirmed_by, c.sign_up, c.told_at
    FROM split_contact p JOIN contact c ON c.id = p.old;
INSERT INTO contact_before (old_id, council_id, contact_id) SELECT old, council_id, new FROM split_contact;
INSERT INTO endpoint (contact_id, failing_since, last_failure_at, last_failure_reason, last_success_at, disabled_at,
                      disabled_reason, previous_secret_until)
    SELECT p.new, e.failing_since, e.last_failure_at, e.last_failure_reason, e.last_success_at, e.disabled_at,
           e.disabled_reason, e.previous_secret_until
    FROM split_contact p JOIN endpoint e ON e.contact_id = p.old;
"""

PLACES = """
CREATE TEMP TABLE shared ON COMMIT DROP AS
    SELECT p.new AS subscriber_id, p.old, p.is_told, c.district_codes
    FROM split p JOIN council c ON c.id = p.council_id WHERE p.is_held
    UNION ALL
    SELECT s.id, s.id, r.is_told, c.district_codes
    FROM subscriber s JOIN ranked r ON r.subscriber_id = s.id AND r.n = 1 JOIN council c ON c.id = s.council_id
    WHERE s.id IN (SELECT old FROM split WHERE is_held);
INSERT INTO place (id, subscriber_id, position, label, postcode, ward_code, district_code, alt_ward_code, ward_source,
                   release_id, needs_review, resolved_at)
    SELECT uuidv7(), h.subscriber_id, row_number() OVER (PARTITION BY h.subscriber_id ORDER BY p.position) - 1, p.label,
           p.postcode, p.ward_code, p.district_code, p.alt_ward_code, p.ward_source, p.release_id, p.needs_review,
           p.resolved_at
    FROM shared h JOIN place p ON p.subscriber_id = h.old
    WHERE h.subscriber_id <> h.old
      AND (h.is_told OR p.district_code IS NULL OR p.district_code = ANY(h.district_codes));
DELETE FROM place p USING shared h
    WHERE h.subscriber_id = h.old AND p.subscriber_id = h.old
      AND NOT (h.is_told OR p.district_code IS NULL OR p.district_code = ANY(h.district_codes));
UPDATE place p SET position = p.position + 100000 FROM shared h WHERE p.subscriber_id = h.old AND h.subscriber_id = h.old;
UPDATE place p SET position = r.position
    FROM (SELECT p.id, row_number() OVER (PARTITION BY p.subscriber_id ORDER BY p.position) - 1 AS position
          FROM place p JOIN shared h ON h.subscriber_id = p.subscriber_id AND h.old = p.subscriber_id) r
    WHERE r.id = p.id;
"""

# ids that a council sees are its own from now on; the words of the ledger stay as they are
IDS = """
UPDATE subscription u SET council_id = t.council_id,
        subscriber_id = coalesce((
            SELECT p.new FROM split p WHERE p.old = u.subscriber_id AND p.council_id = t.council_id AND p.is_held),
            u.subscriber_id)
    FROM topic t WHERE t.id = u.topic_id;
UPDATE reply r SET subscriber_id = p.new
    FROM alert a, split p
    WHERE a.id = r.alert_id AND p.old = r.subscriber_id AND p.council_id = a.council_id AND p.is_held;
UPDATE digest_item i SET subscriber_id = p.new, contact_id = k.new
    FROM alert a, split p, split_contact k
    WHERE a.id = i.alert_id AND p.old = i.subscriber_id AND p.council_id = a.council_id
      AND k.old = i.contact_id AND k.council_id = a.council_id;
UPDATE delivery d SET subscriber_id = p.new,
        contact_id = coalesce((SELECT k.new FROM split_contact k
                               WHERE k.old = d.contact_id AND k.council_id = p.council_id), uuidv7())
    FROM alert a, split p
    WHERE d.month = a.ledger_month AND d.alert_id = a.id AND p.old = d.subscriber_id AND p.council_id = a.council_id;

ALTER TABLE consent DISABLE TRIGGER USER;
UPDATE consent c SET council_id = t.council_id FROM topic t WHERE t.id = c.topic_id;
UPDATE consent c SET council_id = s.council_id FROM subscriber s WHERE c.council_id IS NULL AND s.id = c.subscriber_id;
UPDATE consent c SET council_id = r.council_id
    FROM ranked r WHERE c.council_id IS NULL AND r.subscriber_id = c.subscriber_id AND r.n = 1;
UPDATE consent c SET council_id = (SELECT id FROM council ORDER BY id LIMIT 1) WHERE c.council_id IS NULL;
UPDATE consent c SET subscriber_id = p.new FROM split p
    WHERE p.old = c.subscriber_id AND p.council_id = c.council_id AND c.topic_id IS NOT NULL;
INSERT INTO consent (at, council_id, subscriber_id, topic_id, channel, action, wording_version, language, source)
    SELECT c.at, p.council_id, p.new, NULL, c.channel, c.action, c.wording_version, c.language, c.source
    FROM split p JOIN consent c ON c.subscriber_id = p.old AND c.topic_id IS NULL
    WHERE p.is_held AND (p.is_told OR c.action = 'confirmed' AND EXISTS (
        SELECT FROM contact k WHERE k.subscriber_id = p.new AND k.channel = c.channel))
    ORDER BY c.id, p.new;
ALTER TABLE consent ENABLE TRIGGER USER;

-- of a shared person, an address that only others were given goes to them
DELETE FROM contact c USING ranked r
    WHERE r.subscriber_id = c.subscriber_id AND r.n = 1 AND c.id IN (SELECT old FROM split_contact)
      AND NOT EXISTS (SELECT FROM way w
                      WHERE w.subscriber_id = c.subscriber_id AND w.council_id = r.council_id AND w.channel = c.channel);
INSERT INTO audit_entry (at, council_id, actor, action, subject, detail)
    SELECT business_now(), council_id, 'migration:0025', 'subscriber.split', 'memberships',
           jsonb_build_object('subscribers', count(*))
    FROM split WHERE is_held GROUP BY council_id;
"""

# bounces are facts about an address; everything else was said to, or by, councils
SUPPRESSIONS = """
CREATE TEMP TABLE scoped ON COMMIT DROP AS
    SELECT x.id, s.council_id, row_number() OVER (PARTITION BY x.id ORDER BY s.council_id) AS n
    FROM suppression x
    LEFT JOIN officer o ON x.reason = 'staff' AND x.source LIKE 'officer:' || o.id || ':%'
    LEFT JOIN api_key k ON x.reason = 'staff' AND x.source LIKE 'key:' || k.prefix || ':%'
    CROSS JOIN LATERAL (
        SELECT coalesce(o.council_id, k.council_id) AS council_id
        WHERE coalesce(o.council_id, k.council_id) IS NOT NULL
        UNION ALL
        SELECT DISTINCT c.council_id FROM contact c
        WHERE c.address_hash = x.address_hash AND coalesce(o.council_id, k.council_id) IS NULL
    ) s
    WHERE NOT (x.reason = 'hard-bounce' AND x.channel <> 'webhook');
UPDATE suppression x SET council_id = s.council_id FROM scoped s WHERE s.id = x.id AND s.n = 1;
INSERT INTO suppression (id, council_id, address_hash, channel, reason, source, at, lifted_at, lifted_reason)
    SELECT uuidv7(), s.council_id, x.address_hash, x.channel, x.reason, x.source, x.at, x.lifted_at, x.lifted_reason
    FROM scoped s JOIN suppression x ON x.id = s.id WHERE s.n > 1;
"""

KEYS = """
ALTER TABLE subscriber ALTER COLUMN council_id SET NOT NULL, ADD UNIQUE (council_id, id);
ALTER TABLE topic ADD UNIQUE (council_id, id);
ALTER TABLE contact ALTER COLUMN council_id SET NOT NULL,
    ADD UNIQUE (address_hash, council_id),  -- the hash first: it also finds every council's row of one address
    DROP CONSTRAINT contact_subscriber_id_fkey,
    ADD FOREIGN KEY (council_id, subscriber_id) REFERENCES subscriber (council_id, id) ON DELETE CASCADE;
CREATE INDEX contact_untold ON contact (id) WHERE told_at IS NULL;
ALTER TABLE subscription ALTER COLUMN council_id SET NOT NULL,
    DROP CONSTRAINT subscription_subscriber_id_fkey, DROP CONSTRAINT subscription_topic_id_fkey,
    ADD FOREIGN KEY (council_id, subscriber_id) REFERENCES subscriber (council_id, id) ON DELETE CASCADE,
    ADD FOREIGN KEY (council_id, topic_id) REFERENCES topic (council_id, id);
ALTER TABLE consent ALTER COLUMN council_id SET NOT NULL;
CREATE UNIQUE INDEX suppression_in_force ON suppression (address_hash, reason, council_id) NULLS NOT DISTINCT
    WHERE lifted_at IS NULL;
-- an address that waits for a yes is in a table of its own, so that no audience, list or session can find it
CREATE TABLE contact_request (
    id uuid PRIMARY KEY,
    council_id uuid NOT NULL,
    subscriber_id uuid NOT NULL,
    channel varchar(32) NOT NULL,
    address varchar NOT NULL,
    address_hash bytea NOT NULL,
    secret varchar NOT NULL,
    is_proved boolean NOT NULL,
    topics uuid[] NOT NULL,
    wording_version varchar NOT NULL,
    language varchar NOT NULL,
    source varchar NOT NULL,
    given_at timestamptz NOT NULL,
    asked_by varchar NOT NULL,
    asked_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    UNIQUE (subscriber_id, channel),
    FOREIGN KEY (council_id, subscriber_id) REFERENCES subscriber (council_id, id) ON DELETE CASCADE
);
ANALYZE subscriber, contact, place, subscription, suppression;
"""


def upgrade() -> None:
    """Give each subscriber a council, and each further council of a person a subscriber of its own."""
    for step in (COLUMNS, SPLIT, CONTACTS, PLACES, IDS, SUPPRESSIONS, KEYS):
        op.execute(step)
