"""What goes out is kept from the moment it goes, searched by the stems of words; what comes again can be paused."""

from alembic import op

revision = "0015"
down_revision = "0014"

KEPT = """
-- kept from the first moment on which somebody may have got it; nothing that says so can be taken back either
CREATE OR REPLACE FUNCTION keep_what_was_sent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.expanded_at IS NULL AND OLD.state NOT IN ('sending', 'sent') THEN
        IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' THEN
        IF OLD.is_test THEN RETURN OLD; END IF;
    ELSIF NEW.is_test = OLD.is_test AND NEW.state IN ('sending', 'sent', 'cancelled')
        AND (NEW.expanded_at IS NOT NULL OR OLD.expanded_at IS NULL)
        AND (NEW.ledger_month = OLD.ledger_month OR OLD.ledger_month IS NULL)
        AND (OLD.is_test OR (
            NEW.id, NEW.council_id, NEW.topic_id, NEW.priority, NEW.title, NEW.body, NEW.sms, NEW.link,
            NEW.translations, NEW.audience, NEW.targets, NEW.channels, NEW.reference, NEW.content_hash, NEW.created_by,
            NEW.created_at, NEW.submission, NEW.parts, NEW.follows_id, NEW.follow_up, NEW.event, NEW.category,
            NEW.severity, NEW.urgency, NEW.certainty, NEW.instruction, NEW.asks_reply, NEW.escalation, NEW.is_training
        ) IS NOT DISTINCT FROM (
            OLD.id, OLD.council_id, OLD.topic_id, OLD.priority, OLD.title, OLD.body, OLD.sms, OLD.link,
            OLD.translations, OLD.audience, OLD.targets, OLD.channels, OLD.reference, OLD.content_hash, OLD.created_by,
            OLD.created_at, OLD.submission, OLD.parts, OLD.follows_id, OLD.follow_up, OLD.event, OLD.category,
            OLD.severity, OLD.urgency, OLD.certainty, OLD.instruction, OLD.asks_reply, OLD.escalation, OLD.is_training
        )) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'What was sent is kept as it was sent.' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON alert
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- who agreed is part of what is kept
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON approval
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON approval
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

FOUND = """
-- by the stems of English words, so that "floods" finds "flooding"; other languages' words are cut alike on both sides
DROP INDEX alert_words;
CREATE INDEX alert_words ON alert USING gin (
    (to_tsvector('english', title || ' ' || body || ' ' || coalesce(sms, '') || ' ' || coalesce(event, '') || ' '
                            || coalesce(instruction, '') || ' ' || coalesce(reference, ''))
     || jsonb_to_tsvector('english', translations, '["string"]'))
);
DROP INDEX alert_sent;
CREATE INDEX alert_sent ON alert (council_id, expanded_at DESC, id DESC) WHERE expanded_at IS NOT NULL;
"""

COMES_AGAIN = """
ALTER TABLE recurrence
    -- 0 is Monday; empty: the weekday of the first day
    ADD COLUMN weekdays smallint[] NOT NULL DEFAULT '{}',
    ADD COLUMN paused_at timestamptz,
    -- what lies before is not made up for
    ADD COLUMN counts_from timestamptz;
UPDATE recurrence SET counts_from = created_at;
ALTER TABLE recurrence ALTER COLUMN counts_from SET NOT NULL;
"""

SET_UP = """
ALTER TABLE council ADD COLUMN set_up_at timestamptz;
"""


def upgrade() -> None:
    """Replace the guard and the indexes, and add the columns."""
    for part in (KEPT, FOUND, COMES_AGAIN, SET_UP):
        op.execute(part)
