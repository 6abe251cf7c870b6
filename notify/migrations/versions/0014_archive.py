"""What was sent stays as it was sent, can be found by its words, and may come again regularly."""

from alembic import op

revision = "0014"
down_revision = "0013"

ARCHIVE = """
CREATE INDEX alert_words ON alert USING gin (
    (to_tsvector('simple', title || ' ' || body || ' ' || coalesce(sms, ''))
     || jsonb_to_tsvector('simple', translations, '["string"]'))
);
CREATE INDEX alert_sent ON alert (council_id, expanded_at DESC) WHERE expanded_at IS NOT NULL;

CREATE FUNCTION keep_what_was_sent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.expanded_at IS NULL OR OLD.is_test THEN
        IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' OR (
        NEW.council_id, NEW.topic_id, NEW.priority, NEW.title, NEW.body, NEW.sms, NEW.link, NEW.translations,
        NEW.audience, NEW.targets, NEW.content_hash, NEW.created_by, NEW.parts
    ) IS DISTINCT FROM (
        OLD.council_id, OLD.topic_id, OLD.priority, OLD.title, OLD.body, OLD.sms, OLD.link, OLD.translations,
        OLD.audience, OLD.targets, OLD.content_hash, OLD.created_by, OLD.parts
    ) THEN
        RAISE EXCEPTION 'What was sent is kept as it was sent.' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keep_what_was_sent BEFORE UPDATE OR DELETE ON alert
    FOR EACH ROW EXECUTE FUNCTION keep_what_was_sent();

CREATE TABLE recurrence (
    id uuid PRIMARY KEY,
    council_id uuid NOT NULL REFERENCES council,
    alert_id uuid NOT NULL REFERENCES alert,
    created_by varchar NOT NULL,
    content jsonb NOT NULL,
    rule varchar(32) NOT NULL CHECK (rule IN ('daily', 'weekly', 'monthly')),
    every integer NOT NULL CHECK (every BETWEEN 1 AND 52),
    at_time time NOT NULL,
    first_day date NOT NULL,
    last_day date NOT NULL CHECK (last_day >= first_day),
    created_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE TABLE occurrence (
    recurrence_id uuid NOT NULL REFERENCES recurrence,
    day date NOT NULL,
    alert_id uuid REFERENCES alert,
    problem varchar,
    made_at timestamptz NOT NULL,
    PRIMARY KEY (recurrence_id, day)
);
"""


def upgrade() -> None:
    """Add the index of words, the guard, and what comes again."""
    op.execute(ARCHIVE)
