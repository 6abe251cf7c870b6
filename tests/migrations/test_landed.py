"""Databases of schemas that landed once: each is migrated to the newest one, and then writes, is left and forgets."""

import gzip
import json
import subprocess
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import create_engine, make_url, text

from notify import migrations
from notify.core import clock, db
from notify.core.db import transaction
from notify.core.settings import settings
from notify.staff import service as staff
from notify.staff.models import KeyMode, Role
from tests import moments
from tests.alerts.calls import created
from tests.mailbox import Mailbox
from tests.migrations.make_dump import HERE, SECRET_KEY, program

Work = Callable[[], None]
DUMPS = sorted(HERE.glob("landed-*.sql.gz"))
TOPICS = {"zed": "road-closures", "far": "potholes"}


@pytest.fixture(params=DUMPS, ids=lambda file: file.name.removesuffix(".sql.gz"))
def dump(request: pytest.FixtureRequest) -> Path:
    """Each kept dump."""
    file: Path = request.param
    return file


@pytest.fixture
def facts(dump: Path) -> dict[str, Any]:
    """What its people had been sent when it was made."""
    found: dict[str, Any] = json.loads(dump.with_name(dump.name.replace(".sql.gz", ".json")).read_text())
    return found


@pytest.fixture
def loaded(dump: Path, facts: dict[str, Any], work: Work) -> Iterator[str]:
    """The address of a database of its own that holds the dump, at the moment when that was made."""
    here = make_url(str(settings().database_url))
    name = dump.name.removesuffix(".sql.gz").replace("-", "_")
    address = here.set(database=name).render_as_string(hide_password=False)
    back = datetime.fromisoformat(facts["at"]) - moments.present()
    above = here.set(drivername="postgresql+psycopg", username="postgres")
    outside = create_engine(above, isolation_level="AUTOCOMMIT")
    with outside.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} OWNER notify"))
        offset = (moments.OFFSET + back).total_seconds()
        connection.execute(text(f"ALTER DATABASE {name} SET notify.clock_offset = '{offset} seconds'"))
    words = gzip.decompress(dump.read_bytes())
    quiet = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--output=/dev/null"]
    subprocess.run([str(program("psql")), *quiet, address], input=words, check=True)
    clock.use(lambda: moments.present() + back)
    yield address
    moments.restore()
    with outside.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    outside.dispose()


@pytest.fixture
def client(loaded: str, app: Litestar, choose: Callable[..., None]) -> Iterator[TestClient[Litestar]]:
    """A client of an installation that has just been migrated from it."""
    choose(DATABASE_URL=loaded, SECRET_KEY=SECRET_KEY)
    migrations.run(db.engine())
    with TestClient(app) as client:
        yield client


def administrator(slug: str) -> dict[str, str]:
    """The headers of an administrator of a council of the dump."""
    with transaction() as session:
        council = session.execute(text("SELECT id FROM council WHERE slug = :slug"), {"slug": slug}).scalar_one()
        key = staff.create_key(session, council_id=council, name="now", role=Role.ADMIN, mode=KeyMode.LIVE)
    return {"Authorization": f"Bearer {key}"}


def written_to(client: TestClient[Litestar], slug: str, work: Work, inbox: Mailbox) -> list[str]:
    """Whom an alert of this council reaches by mail."""
    inbox.empty()
    created(client, administrator(slug), topic=TOPICS[slug], send=True)
    work()
    return sorted(inbox.recipients())


def test_there_is_a_dump() -> None:
    assert DUMPS


def test_what_landed_once_still_writes_is_left_and_forgets(
    client: TestClient[Litestar], facts: dict[str, Any], work: Work, inbox: Mailbox
) -> None:
    before = facts["recipients"]
    # councils brought their consents without a day, and residents spoke for themselves
    said = "SELECT DISTINCT position('/' IN wording_version) > 0, is_dated FROM consent WHERE action = 'given'"
    with transaction() as session:
        lines = {tuple(line) for line in session.execute(text(said))}
    assert {(True, False)} <= lines <= {(True, False), (False, True)}
    assert {slug: written_to(client, slug, work, inbox) for slug in TOPICS} == before
    # a mail of before is left with one click, for the council that sent it
    path = facts["one_click"]["far to ann@example.org"]
    assert client.post(path, content=b"List-Unsubscribe=One-Click").status_code == 200
    far = [one for one in before["far"] if one != "ann@example.org"]
    assert written_to(client, "zed", work, inbox) == before["zed"]
    assert written_to(client, "far", work, inbox) == far
    # a sign-up that waited is confirmed by its link
    assert client.post(facts["confirm"]).status_code == 200
    # one council forgets Bea, whom the other goes on writing to
    headers = administrator("zed")
    people = client.get("/api/v1/subscribers", headers=headers).json()["subscribers"]
    [bea] = [one for one in people if "bea@example.org" in [contact["address"] for contact in one["contacts"]]]
    assert client.delete(f"/api/v1/subscribers/{bea['id']}", headers=headers).status_code == 204
    assert written_to(client, "zed", work, inbox) == [one for one in before["zed"] if one != "bea@example.org"]
    assert written_to(client, "far", work, inbox) == far
    # what her mail from the council that forgot her offers stops nothing of the other
    client.post(facts["one_click"]["zed to bea@example.org"], content=b"List-Unsubscribe=One-Click")
    assert written_to(client, "far", work, inbox) == far
