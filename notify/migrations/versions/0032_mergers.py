"""Councils that merge or are renamed: what they were called, which council and topics have taken over, and rows that
change hands."""

from alembic import op

revision = "0032"
down_revision = "0031"

COLUMNS = """
ALTER TABLE council ADD COLUMN merged_into_id uuid REFERENCES council (id), ADD COLUMN merged_at timestamptz;
ALTER TABLE topic ADD COLUMN merged_into_id uuid REFERENCES topic (id);
CREATE TABLE council_name (
    council_id uuid NOT NULL REFERENCES council (id),
    until timestamptz NOT NULL,
    slug varchar NOT NULL,
    name varchar NOT NULL,
    PRIMARY KEY (council_id, until)
);
-- what a release could not say of a resident's place, or that it lies outside of their council now
CREATE TABLE place_review (
    place_id uuid NOT NULL,
    release_id integer NOT NULL REFERENCES geo_release (id),
    subscriber_id uuid NOT NULL REFERENCES subscriber (id) ON DELETE CASCADE,
    kind varchar(32) NOT NULL,
    at timestamptz NOT NULL,
    handled_at timestamptz,
    answered_at timestamptz,
    PRIMARY KEY (place_id, release_id, kind)
);
CREATE INDEX place_review_of_subscriber ON place_review (subscriber_id);
CREATE INDEX place_review_waiting ON place_review (release_id) WHERE handled_at IS NULL;
"""
# a membership changes hands with everything that hangs on it, and is whole again at the end of the transaction
HANDS = """
ALTER TABLE contact ALTER CONSTRAINT contact_council_id_subscriber_id_fkey DEFERRABLE INITIALLY IMMEDIATE;
ALTER TABLE contact_request
    ALTER CONSTRAINT contact_request_council_id_subscriber_id_fkey DEFERRABLE INITIALLY IMMEDIATE;
ALTER TABLE subscription
    ALTER CONSTRAINT subscription_council_id_subscriber_id_fkey DEFERRABLE INITIALLY IMMEDIATE;
ALTER TABLE subscription ALTER CONSTRAINT subscription_council_id_topic_id_fkey DEFERRABLE INITIALLY IMMEDIATE;
"""
# What was agreed to, when and where it was said never change. In a merger of councils only its owner does.
LEDGER = """
CREATE FUNCTION refuse_change_of_consent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND current_setting('notify.council_merger', true) = 'on'
       AND (NEW.id, NEW.at, NEW.channel, NEW.action, NEW.wording_version, NEW.language, NEW.source)
           IS NOT DISTINCT FROM
           (OLD.id, OLD.at, OLD.channel, OLD.action, OLD.wording_version, OLD.language, OLD.source) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
DROP TRIGGER append_only ON consent;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON consent
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_consent();
"""


def upgrade() -> None:
    """Add the columns and the table, and let rows change hands."""
    for step in (COLUMNS, HANDS, LEDGER):
        op.execute(step)
