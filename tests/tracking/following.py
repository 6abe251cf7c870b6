"""Every link of every message, and everything in the database before and after somebody followed them."""

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core.db import transaction
from notify.core.settings import settings
from tests.alerts.calls import created
from tests.mailbox import Mailbox
from tests.subscribers.journey import sign_up
from tests.tracking.reading import one_click_path, our_links
from tests.world import World, add_resident

Client = TestClient[Litestar]
Work = Callable[[], None]

TABLES = """
    SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1
"""


def everything() -> Mapping[str, list[str]]:
    """Every row of every table, as words."""
    with transaction() as session:
        tables = session.execute(text(TABLES)).scalars().all()
        return {
            table: sorted(str(row) for row in session.execute(text(f'SELECT t::text FROM "{table}" t')).scalars())
            for table in tables
        }


def sent_links(client: Client, world: World, work: Work, inbox: Mailbox) -> set[str]:
    """Every path of ours in an alert, an emergency, a confirmation and a link to manage, by mail and by text."""
    add_resident(world, "sam@example.org", phone="07700 900001", topics=["road-closures", "emergencies"])
    created(client, world.headers, link="https://example.org/mill-road", send=True)
    created(client, world.headers, topic="emergencies", priority="emergency", send=True)
    sign_up(client, email="new@example.org", mobile="07700 900002")
    client.post("/manage", data={"address": "sam@example.org"})
    client.post("/manage", data={"address": "07700 900001"})
    work()
    mails = inbox.messages()
    assert len(mails) == 4
    found = set().union(*(our_links(mail) for mail in mails))
    found |= {one_click_path(mail) for mail in mails if mail["List-Unsubscribe"]}
    for line in inbox.lines("sms.jsonl"):
        ours = [word.rstrip(".,)") for word in line["text"].split() if word.startswith(settings().base_url)]
        found |= {urlsplit(address).path for address in ours}
    kinds = {path.split("/")[1] for path in found}
    assert {"u", "confirm", "confirm-code", "manage"} <= kinds, kinds
    return found
