"""Who came and went by day, where they live, how much they get, and the council's targets."""

from alembic import op

revision = "0018"
down_revision = "0017"

ROLLUPS = """
-- people who follow at the end of a day and did not before, and the other way about; no topic: anything of the council
CREATE TABLE rollup_growth (
    council_id uuid NOT NULL REFERENCES council (id),
    topic varchar NOT NULL,
    day date NOT NULL,
    source varchar NOT NULL,
    came integer NOT NULL,
    went integer NOT NULL,
    PRIMARY KEY (council_id, topic, day, source)
);
CREATE TABLE rollup_reach (
    council_id uuid NOT NULL REFERENCES council (id),
    topic varchar NOT NULL,
    ward_code varchar NOT NULL,
    language varchar NOT NULL,
    people integer NOT NULL,
    PRIMARY KEY (council_id, topic, ward_code, language)
);
-- how many people got so many alerts in the days from `first` on, and how many left after so many in seven days
CREATE TABLE rollup_fatigue (
    council_id uuid NOT NULL REFERENCES council (id),
    days smallint NOT NULL CHECK (days IN (7, 28)),
    first date NOT NULL,
    alerts smallint NOT NULL,
    people integer NOT NULL,
    went integer NOT NULL,
    PRIMARY KEY (council_id, days, first, alerts)
);
CREATE TABLE rollup_round (
    name varchar PRIMARY KEY,
    consent_id bigint NOT NULL,
    counted_at timestamptz NOT NULL,
    took interval NOT NULL
);
"""

TARGETS = """
CREATE TABLE target (
    id uuid PRIMARY KEY,
    council_id uuid NOT NULL REFERENCES council (id),
    indicator varchar NOT NULL,  -- one that the platform measures, or 'own-…' for what the council measures itself
    name varchar NOT NULL,
    unit varchar NOT NULL,
    kind varchar(32) NOT NULL CHECK (kind IN ('target', 'baseline', 'contextual')),
    lower_is_better boolean NOT NULL,
    target numeric CHECK (kind <> 'target' OR target IS NOT NULL),
    actions varchar NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by varchar NOT NULL,
    UNIQUE (council_id, indicator)
);
CREATE TABLE target_value (
    target_id uuid NOT NULL REFERENCES target (id) ON DELETE CASCADE,
    month date NOT NULL CHECK (extract(day FROM month) = 1),
    value numeric NOT NULL,
    entered_at timestamptz NOT NULL,
    entered_by varchar NOT NULL,
    PRIMARY KEY (target_id, month)
);
"""

# until now the ledger did not say that somebody was erased, or forgotten because they never confirmed
ERASED = """
INSERT INTO consent (at, subscriber_id, topic_id, channel, action, wording_version, language, source)
SELECT coalesce(e.at, last.at), last.subscriber_id, last.topic_id, NULL, 'withdrawn', said.source, last.language,
       said.source
FROM (
    SELECT DISTINCT ON (subscriber_id, topic_id) subscriber_id, topic_id, at, action, language
    FROM consent WHERE topic_id IS NOT NULL AND action IN ('given', 'withdrawn')
    ORDER BY subscriber_id, topic_id, at DESC, id DESC
) last
LEFT JOIN LATERAL (
    SELECT max(at) AS at FROM audit_entry WHERE action = 'subscriber.erase' AND subject = last.subscriber_id::text
) e ON true
CROSS JOIN LATERAL (SELECT CASE WHEN e.at IS NULL THEN 'never-confirmed' ELSE 'erased' END AS source) said
WHERE last.action = 'given' AND NOT EXISTS (
    SELECT FROM subscription u WHERE u.subscriber_id = last.subscriber_id AND u.topic_id = last.topic_id);
"""


def upgrade() -> None:
    """Add the tables, and let the ledger say who is gone."""
    for part in (ROLLUPS, TARGETS, ERASED):
        op.execute(part)
