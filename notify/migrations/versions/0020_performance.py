"""Service levels, unit prices, assumptions about cost, calls, and what a council publishes of its figures."""

from alembic import op

revision = "0020"
down_revision = "0019"

LEVELS = """
CREATE TABLE service_target (
    council_id uuid NOT NULL REFERENCES council (id) ON DELETE CASCADE,
    priority varchar(32) NOT NULL,
    valid_from timestamptz NOT NULL,
    seconds integer NOT NULL CHECK (seconds > 0),
    percent double precision NOT NULL CHECK (percent > 0 AND percent <= 100),
    PRIMARY KEY (council_id, priority, valid_from)
);
-- how each alert fared against the target of its day; it says so when the ledger is gone
CREATE TABLE service_result (
    alert_id uuid PRIMARY KEY REFERENCES alert (id) ON DELETE CASCADE,
    council_id uuid NOT NULL REFERENCES council (id) ON DELETE CASCADE,
    priority varchar(32) NOT NULL,
    started_at timestamptz NOT NULL,
    target_seconds integer NOT NULL,
    target_percent double precision NOT NULL,
    due integer NOT NULL,
    in_time integer NOT NULL,
    took_seconds double precision,
    people integer,
    is_met boolean NOT NULL,
    judged_at timestamptz NOT NULL
);
CREATE INDEX service_result_by_time ON service_result (council_id, started_at);
CREATE TABLE service_breach (
    alert_id uuid PRIMARY KEY REFERENCES service_result (alert_id) ON DELETE CASCADE,
    causes jsonb NOT NULL,
    found_at timestamptz NOT NULL,
    note varchar NOT NULL,
    noted_by varchar,
    noted_at timestamptz
);
"""

COSTS = """
CREATE TABLE unit_price (
    id uuid PRIMARY KEY,
    council_id uuid NOT NULL REFERENCES council (id) ON DELETE CASCADE,
    channel varchar(32) NOT NULL,
    provider varchar NOT NULL,
    valid_from date NOT NULL,
    price bigint NOT NULL CHECK (price >= 0),  -- in thousandths of a penny
    source varchar NOT NULL,
    added_by varchar NOT NULL,
    added_at timestamptz NOT NULL,
    UNIQUE (council_id, channel, provider, valid_from)
);
CREATE TABLE cost_assumption (
    council_id uuid PRIMARY KEY REFERENCES council (id) ON DELETE CASCADE,
    call_pence double precision,
    is_exempt boolean NOT NULL,
    call_source varchar NOT NULL,
    low_percent double precision,
    high_percent double precision,
    share_source varchar NOT NULL,
    staff_hour_pence double precision,
    staff_source varchar NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by varchar NOT NULL,
    CHECK (low_percent <= high_percent)
);
CREATE TABLE staff_time (
    alert_id uuid PRIMARY KEY REFERENCES alert (id) ON DELETE CASCADE,
    minutes integer NOT NULL CHECK (minutes >= 0),
    noted_at timestamptz NOT NULL,
    noted_by varchar NOT NULL
);
"""

CALLS = """
-- calls to the council, of an hour or of a whole day; the day decides what a newer file replaces
CREATE TABLE call_volume (
    council_id uuid NOT NULL REFERENCES council (id) ON DELETE CASCADE,
    category varchar NOT NULL,
    starts_at timestamptz NOT NULL,
    is_whole_day boolean NOT NULL,
    day date NOT NULL,
    calls integer NOT NULL CHECK (calls >= 0),
    PRIMARY KEY (council_id, category, starts_at, is_whole_day)
);
CREATE INDEX call_volume_by_time ON call_volume (council_id, starts_at);
CREATE TABLE call_category (
    council_id uuid NOT NULL REFERENCES council (id) ON DELETE CASCADE,
    category varchar NOT NULL,
    topic_id uuid REFERENCES topic (id) ON DELETE SET NULL,
    PRIMARY KEY (council_id, category)
);
"""

PUBLISHED = """
CREATE TABLE publication (
    council_id uuid PRIMARY KEY REFERENCES council (id) ON DELETE CASCADE,
    is_on boolean NOT NULL,
    shows_cost boolean NOT NULL,
    contact varchar NOT NULL,
    first_month date NOT NULL,
    tables jsonb,
    made_at timestamptz,
    figures_changed_at timestamptz
);
"""


def upgrade() -> None:
    """Add the tables."""
    for part in (LEVELS, COSTS, CALLS, PUBLISHED):
        op.execute(part)
