"""The days between which the audit trail is searched, as officers type them."""

from litestar import Litestar
from litestar.testing import TestClient

from notify.staff.models import Role
from tests.world import make_world, signed_in


def test_a_day_is_read_as_it_is_typed_and_one_that_no_calendar_has_is_said_to_be_none(
    client: TestClient[Litestar],
) -> None:
    desk = signed_in(make_world().council_id, Role.ADMIN)
    read = client.get("/staff/audit", params={"since": "3 December 2025", "until": ""}, headers=desk)
    assert 'value="2025-12-03"' in read.text
    none = client.get("/staff/audit", params={"since": "31/2/2025"}, headers=desk)
    assert "31 February 2025 is not a date" in none.text
