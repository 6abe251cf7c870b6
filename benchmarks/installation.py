"""An empty installation on embedded servers for one benchmark, and invented residents by the hundred thousand."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import psycopg
from sqlalchemy import text
from sqlmodel import Session

from notify import migrations
from notify.core import db, settings
from notify.devserver import embedded
from notify.providers.base import Channel
from notify.staff import service as staff
from notify.staff.models import KeyMode, Role
from notify.subscribers import service as subscribers
from notify.subscribers.models import NewTopic

DISTRICT = "Z07000001"
WARDS = 14


@contextmanager
def installation() -> Iterator[Path]:
    """A migrated database and a queue of their own, durable as in production, removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="notify-bench-") as folder:
        os.environ["NOTIFY_DATA_DIR"] = folder
        try:
            with embedded.servers(Path(folder)) as addresses:
                os.environ["NOTIFY_DATABASE_URL"] = addresses.database_url
                os.environ["NOTIFY_REDIS_URL"] = addresses.redis_url
                os.environ["NOTIFY_SECRET_KEY"] = addresses.secret_key
                settings.reread()
                _let_it_write_checkpoints(addresses.database_url)
                migrations.run(db.engine())
                yield Path(folder)
                db.engine().dispose()
        finally:
            embedded.reset(Path(folder))


def _let_it_write_checkpoints(database_url: str) -> None:
    """A measurement begins with nothing left to write, which is no business of the application's own account."""
    with psycopg.connect(database_url.replace("//notify@", "//postgres@"), autocommit=True) as connection:
        connection.execute("GRANT pg_checkpoint TO notify")


def make_council(topic: NewTopic) -> tuple[UUID, str]:
    """A council with one topic; its id and an administrator's key."""
    with db.transaction() as session:
        council = staff.create_council(session, slug="bench", name="Bench Council", district_codes=[DISTRICT])
        subscribers.create_topic(session, council_id=council.id, actor="bench", new=topic)
        key = staff.create_key(session, council_id=council.id, name="bench", role=Role.ADMIN, mode=KeyMode.LIVE)
    return council.id, key


def add_places(session: Session, postcodes: int) -> None:
    """`postcodes` invented postcodes in 14 invented wards."""
    session.execute(
        text("""
            INSERT INTO geo_release (id, kind, product, version, attribution, row_count, loaded_at, activated_at)
            VALUES (1, 'postcode', 'Invented', '1', '', 0, now(), now()),
                   (2, 'ward', 'Invented', '1', '', 0, now(), now())
        """)
    )
    session.execute(text("CREATE TABLE postcode_r1 PARTITION OF postcode FOR VALUES IN (1)"))
    session.execute(
        text("""
            INSERT INTO postcode (release_id, key, easting, northing, ward_code, district_code)
            SELECT 1, 'ZZ' || n, 550000 + n % 100 * 80, 340000 + n / 100 * 80,
                   'Z05' || lpad((n % :wards)::text, 6, '0'), :district
            FROM generate_series(1, :postcodes) n
            UNION ALL SELECT 1, 'ZZ11AA', 550000, 340000, 'Z05000000', :district  -- one that a form takes
        """),
        {"postcodes": postcodes, "wards": WARDS, "district": DISTRICT},
    )
    session.execute(
        text("""
            INSERT INTO area (release_id, code, kind, name, district_code)
            SELECT 2, 'Z05' || lpad(n::text, 6, '0'), 'ward', 'Ward ' || n, :district
            FROM generate_series(0, :wards - 1) n
        """),
        {"wards": WARDS, "district": DISTRICT},
    )


def add_residents(session: Session, residents: int, *, postcodes: int, phones: bool = True) -> None:
    """Residents with an e-mail address each, every third also with a phone, all following the one topic."""
    session.execute(
        text("""
            CREATE TEMP TABLE new ON COMMIT DROP AS
            SELECT n, uuidv7() AS id, uuidv7() AS email_id, uuidv7() AS phone_id, uuidv7() AS place_id,
                   'ZZ' || 1 + n * 7919 % :postcodes AS postcode, (1 + n * 7919 % :postcodes) % :wards AS ward
            FROM generate_series(1, CAST(:residents AS bigint)) n
        """),
        {"residents": residents, "postcodes": postcodes, "wards": WARDS},
    )
    for statement in (RESIDENTS, EMAILS, *([PHONES] if phones else []), PLACES, SUBSCRIPTIONS):
        session.execute(text(statement))
    session.commit()
    with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


RESIDENTS = """
    INSERT INTO subscriber (id, council_id, name, language, tracking_consent, created_at, changed_at)
    SELECT id, (SELECT id FROM council), 'Resident ' || n,
           CASE WHEN n % 10 = 0 THEN 'cy' ELSE 'en' END, n % 5 = 0, now(), now() FROM new
"""
EMAILS = """
    INSERT INTO contact (id, council_id, subscriber_id, channel, address, address_hash, secret, created_at,
                         confirmed_at)
    SELECT email_id, (SELECT id FROM council), id, 'email', 'resident' || n || '@example.org',
           sha256(('e' || n)::bytea), '', now(), now()
    FROM new
"""
PHONES = """
    INSERT INTO contact (id, council_id, subscriber_id, channel, address, address_hash, secret, created_at,
                         confirmed_at)
    SELECT phone_id, (SELECT id FROM council), id, 'sms', '+4477009' || lpad(n::text, 6, '0'),
           sha256(('p' || n)::bytea), '', now(), now()
    FROM new WHERE n % 3 = 0
"""
PLACES = """
    INSERT INTO place (id, subscriber_id, label, postcode, ward_code, district_code, ward_source, release_id,
                       needs_review, resolved_at)
    SELECT place_id, id, 'Home', postcode, 'Z05' || lpad(ward::text, 6, '0'), 'Z07000001', 'published', 1, false, now()
    FROM new
"""
SUBSCRIPTIONS = """
    INSERT INTO subscription (id, council_id, subscriber_id, topic_id, channels, started_at)
    SELECT uuidv7(), topic.council_id, new.id, topic.id, topic.channels, now() FROM new, topic
"""


def add_topic(council_id: UUID, slug: str, *, followers: int) -> None:
    """One more topic, for e-mail, followed by the first so many residents."""
    new = NewTopic(slug=slug, name=slug.capitalize(), tracking_allowed=True, channels=[Channel.EMAIL])
    with db.transaction() as session:
        subscribers.create_topic(session, council_id=council_id, actor="bench", new=new)
        session.execute(text(FOLLOWERS), {"slug": slug, "subscribers": followers})
    with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE topic, subscription"))


FOLLOWERS = """
    INSERT INTO subscription (id, council_id, subscriber_id, topic_id, channels, started_at)
    SELECT uuidv7(), topic.council_id, first.id, topic.id, topic.channels, now()
    FROM topic, (SELECT id FROM subscriber ORDER BY id LIMIT :subscribers) first
    WHERE topic.slug = :slug
"""
