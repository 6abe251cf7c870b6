"""Postcodes and places name every other ward within 50 m, and an alert says when what it warns of begins."""

from alembic import op

revision = "0030"
down_revision = "0029"

# Until a release is activated anew, the nearest ward is the only one that is known.
COLUMNS = """
ALTER TABLE postcode ADD COLUMN near_ward_codes text[];
ALTER TABLE place ADD COLUMN near_ward_codes text[];
UPDATE postcode SET near_ward_codes = ARRAY[CAST(alt_ward_code AS text)] WHERE alt_ward_code IS NOT NULL;
UPDATE place SET near_ward_codes = ARRAY[CAST(alt_ward_code AS text)] WHERE alt_ward_code IS NOT NULL;
DROP INDEX place_by_alt_ward;
CREATE INDEX place_by_near_ward ON place USING gin (near_ward_codes) WHERE near_ward_codes IS NOT NULL;
ALTER TABLE alert ADD COLUMN effective timestamptz, ADD COLUMN onset timestamptz;
"""


def upgrade() -> None:
    """Add the columns, with what is known."""
    op.execute(COLUMNS)
