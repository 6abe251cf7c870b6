"""Collection days: streams, releases of rounds and homes, moves, events, reminders and reports."""

from alembic import op

revision = "0037"
down_revision = "0036"

TABLES = """
CREATE TABLE waste_stream (
    id uuid PRIMARY KEY,
    council_id uuid NOT NULL REFERENCES council (id),
    code varchar NOT NULL,
    names jsonb NOT NULL,
    containers jsonb NOT NULL,
    contents jsonb NOT NULL,
    put_out_by time NOT NULL,
    availability varchar(32) NOT NULL,
    position integer NOT NULL,
    UNIQUE (council_id, code)
);
CREATE TABLE collection_release (
    id serial PRIMARY KEY,
    council_id uuid NOT NULL REFERENCES council (id),
    name varchar NOT NULL,
    source varchar NOT NULL,
    licence varchar NOT NULL,
    fetched_at timestamptz NOT NULL,
    fresh_until date NOT NULL,
    settings jsonb NOT NULL,
    homes integer NOT NULL,
    rules integer NOT NULL,
    refused integer NOT NULL,
    refusals jsonb NOT NULL,
    loaded_by varchar NOT NULL,
    loaded_at timestamptz NOT NULL,
    activated_at timestamptz,
    ended_at timestamptz,
    told_at timestamptz,
    told integer NOT NULL
);
CREATE UNIQUE INDEX collection_release_active ON collection_release (council_id)
    WHERE activated_at IS NOT NULL AND ended_at IS NULL;
CREATE TABLE collection_rule (
    id bigserial PRIMARY KEY,
    release_id integer NOT NULL REFERENCES collection_release (id) ON DELETE CASCADE,
    round varchar NOT NULL,
    stream varchar NOT NULL,
    pattern jsonb NOT NULL
);
CREATE INDEX collection_rule_of_round ON collection_rule (release_id, round);
CREATE TABLE collection_assignment (
    id bigserial PRIMARY KEY,
    release_id integer NOT NULL REFERENCES collection_release (id) ON DELETE CASCADE,
    round varchar NOT NULL,
    home varchar,
    postcode varchar,
    usrn varchar,
    building varchar NOT NULL,
    number_from integer,
    number_to integer,
    side varchar NOT NULL
);
CREATE INDEX collection_assignment_of_release ON collection_assignment (release_id);
CREATE TABLE collection_home (
    release_id integer NOT NULL REFERENCES collection_release (id) ON DELETE CASCADE,
    reference varchar NOT NULL,
    label varchar NOT NULL,
    postcode varchar NOT NULL,
    usrn varchar,
    building varchar NOT NULL,
    number integer,
    rules bigint[] NOT NULL,
    PRIMARY KEY (release_id, reference)
);
CREATE INDEX collection_home_postcode ON collection_home (postcode, release_id);
CREATE TABLE collection_service (
    release_id integer NOT NULL REFERENCES collection_release (id) ON DELETE CASCADE,
    reference varchar NOT NULL,
    stream varchar NOT NULL,
    starts date NOT NULL,
    ends date NOT NULL CHECK (ends >= starts),
    PRIMARY KEY (release_id, reference, stream, starts)
);
CREATE TABLE collection_move (
    id uuid PRIMARY KEY,
    council_id uuid NOT NULL REFERENCES council (id),
    usual date NOT NULL,
    revised date,
    round varchar NOT NULL,
    stream varchar NOT NULL,
    reason varchar NOT NULL,
    revision integer NOT NULL,
    is_withdrawn boolean NOT NULL,
    changed_by varchar NOT NULL,
    changed_at timestamptz NOT NULL,
    UNIQUE (council_id, usual, round, stream)
);
CREATE TABLE waste_event (
    id uuid PRIMARY KEY,
    council_id uuid NOT NULL REFERENCES council (id),
    kind varchar(32) NOT NULL,
    day date NOT NULL,
    by_usual boolean NOT NULL,
    new_day date,
    round varchar NOT NULL,
    stream varchar NOT NULL,
    usrn varchar,
    postcode varchar,
    home varchar,
    cause varchar(32) NOT NULL,
    homes integer NOT NULL,
    told integer NOT NULL,
    told_at timestamptz,
    created_by varchar NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX waste_event_day ON waste_event (council_id, day);
CREATE INDEX waste_event_untold ON waste_event (at) WHERE told_at IS NULL;
CREATE TABLE collection_reminder (
    id uuid PRIMARY KEY,
    council_id uuid NOT NULL,
    subscriber_id uuid NOT NULL,
    home varchar NOT NULL,
    evening boolean NOT NULL,
    morning boolean NOT NULL,
    created_at timestamptz NOT NULL,
    FOREIGN KEY (council_id, subscriber_id) REFERENCES subscriber (council_id, id) ON DELETE CASCADE
        DEFERRABLE INITIALLY IMMEDIATE,
    UNIQUE (subscriber_id, home)
);
CREATE INDEX collection_reminder_home ON collection_reminder (council_id, home);
CREATE TABLE collection_reminder_sent (
    reminder_id uuid NOT NULL REFERENCES collection_reminder (id) ON DELETE CASCADE,
    day date NOT NULL,
    slot varchar NOT NULL,
    alert_id uuid REFERENCES alert (id),
    streams text[] NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (reminder_id, day, slot)
);
CREATE INDEX collection_reminder_sent_at ON collection_reminder_sent (at);
CREATE INDEX collection_reminder_sent_alert ON collection_reminder_sent (alert_id);
CREATE TABLE collection_report (
    id uuid PRIMARY KEY,
    council_id uuid NOT NULL REFERENCES council (id),
    home varchar NOT NULL,
    words varchar NOT NULL,
    days jsonb NOT NULL,
    at timestamptz NOT NULL,
    handled_at timestamptz,
    handled_by varchar
);
CREATE INDEX collection_report_open ON collection_report (council_id, at) WHERE handled_at IS NULL;
"""


def upgrade() -> None:
    """Add the tables."""
    op.execute(TABLES)
