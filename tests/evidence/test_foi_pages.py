"""Answers on the officers' page, of a council that has not begun, and with what the council itself states."""

from datetime import date

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from notify.core.db import transaction
from notify.evidence.formats import Form, as_file
from notify.evidence.pack import make_pack
from notify.evidence.questions import Numbering
from notify.staff.models import Role
from notify.staff.queries import council_by_slug
from tests.world import World, at_the_desk, make_key, make_world

Client = TestClient[Litestar]


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


def test_an_empty_council_is_answered_too(world: World) -> None:
    with transaction() as session:
        council = council_by_slug(session, "zed")
        assert council is not None
        pack = make_pack(session, council, numbering=Numbering.CA440, since=date(2026, 1, 1), until=date(2026, 1, 31))
    for form in Form:
        assert as_file(pack, form)


def test_what_the_council_states_stands_beside_what_was_measured(client: Client, world: World) -> None:
    admin, viewer = (at_the_desk(make_key(world, role)) for role in (Role.ADMIN, Role.VIEWER))
    words = "We spent £5 on <b>posters</b>. #pagebreak()"
    form = {"number": "1.9", "words": words}
    assert client.post("/staff/evidence/statements", data=form, headers=viewer).status_code == 403
    said = client.post("/staff/evidence/statements", data=form, headers=admin, follow_redirects=False)
    assert (said.status_code, said.headers["location"]) == (303, "/staff/evidence#q1.9")
    page = client.get("/staff/evidence", headers=viewer)
    assert "We spent £5 on &lt;b&gt;posters&lt;/b&gt;. #pagebreak()" in page.text
    assert "Add what the council states" not in page.text
    for kind in Form:
        made = client.get(f"/staff/evidence/foi?format={kind}&numbering=dover", headers=viewer)
        assert (made.status_code, "attachment" in made.headers["content-disposition"]) == (200, True)
    assert client.get("/staff/evidence?since=2027-01-01&until=2026-01-01", headers=viewer).status_code == 422
    unknown = client.post("/staff/evidence/statements", data={"number": "9.9", "words": "x"}, headers=admin)
    assert unknown.status_code == 422
