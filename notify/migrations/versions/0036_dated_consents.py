"""Whether anybody knows when a consent was given, who gave an alert its newest version, and who made a key."""

from alembic import op

revision = "0036"
down_revision = "0035"

COLUMN = """
ALTER TABLE consent ADD COLUMN is_dated boolean NOT NULL DEFAULT true;
ALTER TABLE consent ALTER COLUMN is_dated DROP DEFAULT;
"""
# A yes in a council's own words (`slug/version`) whose moment is the very one at which something of the same membership
# was written came without a date. Not where the person said yes to a message in the same transaction. Of others it
# cannot be known, and their moment stands.
UNDATED = """
ALTER TABLE consent DISABLE TRIGGER USER;
UPDATE consent l SET is_dated = false
WHERE l.action = 'given' AND l.topic_id IS NOT NULL AND position('/' IN l.wording_version) > 0
  AND (EXISTS (SELECT FROM subscription u
               WHERE u.subscriber_id = l.subscriber_id AND u.topic_id = l.topic_id AND u.started_at = l.at)
       OR EXISTS (SELECT FROM contact c
                  WHERE c.subscriber_id = l.subscriber_id AND c.channel = l.channel AND c.created_at = l.at)
       OR EXISTS (SELECT FROM subscriber s WHERE s.id = l.subscriber_id AND l.at IN (s.created_at, s.changed_at)))
  AND NOT EXISTS (SELECT FROM consent k
                  WHERE k.subscriber_id = l.subscriber_id AND k.channel = l.channel AND k.action = 'confirmed'
                    AND k.at BETWEEN l.at - interval '10 seconds' AND l.at);
ALTER TABLE consent ENABLE TRIGGER USER;
"""
LEDGER = """
CREATE OR REPLACE FUNCTION refuse_change_of_consent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND current_setting('notify.council_merger', true) = 'on'
       AND (NEW.id, NEW.at, NEW.is_dated, NEW.channel, NEW.action, NEW.wording_version, NEW.language, NEW.source)
           IS NOT DISTINCT FROM
           (OLD.id, OLD.at, OLD.is_dated, OLD.channel, OLD.action, OLD.wording_version, OLD.language, OLD.source) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
"""
# The audit trail knows both. Who wrote an alert and was its last to change it is told by `created_by` alone.
MAKERS = """
ALTER TABLE alert ADD COLUMN changed_by varchar;
UPDATE alert a SET changed_by = e.actor
FROM (SELECT DISTINCT ON (subject) subject, actor FROM audit_entry
      WHERE action IN ('alert.reschedule', 'alert.replace-areas') ORDER BY subject, id DESC) e
WHERE e.subject = a.id::text AND a.state = 'submitted';
ALTER TABLE api_key ADD COLUMN created_by varchar NOT NULL DEFAULT 'command-line';
UPDATE api_key k SET created_by = e.actor FROM audit_entry e WHERE e.action = 'key.create' AND e.subject = k.prefix;
ALTER TABLE api_key ALTER COLUMN created_by DROP DEFAULT;
"""


def upgrade() -> None:
    """Add the columns, and note which lines came without a date as far as the rows show it."""
    for step in (COLUMN, UNDATED, LEDGER, MAKERS):
        op.execute(step)
