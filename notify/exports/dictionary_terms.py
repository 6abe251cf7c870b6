"""Terms of the data dictionary: who a table is about and how long it is kept."""

from enum import StrEnum


class About(StrEnum):
    """Whom a table or a column is about."""

    NOBODY = "nobody"
    STAFF = "staff"  # officers, by id or by name
    PSEUDONYM = "pseudonym"  # residents, by ids or keyed hashes that only this database resolves
    RESIDENT = "resident"  # residents, by what tells who they are


class Keeping(StrEnum):
    """How long rows are kept."""

    FOR_GOOD = "for good: it is the record of what was done"
    WHILE_USED = "until it is changed or removed by whom it belongs to"
    RESIDENT = "until the resident or the council erases them; a resident who never confirmed goes after 30 days"
    DETAIL = "NOTIFY_RETENTION_DAYS (30) after the alert's last activity; figures about it stay"
    DAYS_90 = "90 days; while it waits for a person, until they decide"
    DAYS_30 = "30 days after its end"
    FOUR_WEEKS = "28 days"
    WEEK = "7 days"
    TWO_DAYS = "2 days"
    EXPIRY = "until it expires, at most a day longer"
    RELEASE = "until a newer release has taken its place and it is removed"
    RUNNING = "rewritten while the platform runs"
