"""Days that are typed into a page's address or form: nonsense is said, kept, and never taken for no condition."""

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from tests.subscribers.html import Page
from tests.world import World, administrator, make_world

Client = TestClient[Litestar]
FIGURES = [
    f"/staff/figures{page}"
    for page in ("", "/topics", "/wards", "/growth", "/fatigue", "/targets", "/costs", "/calls", "/service-levels")
]
TYPED = [
    ({"since": "31/2/2026"}, "since", "31/2/2026", "31 February 2026 is not a date"),
    ({"until": "soon <b>"}, "until", "soon <b>", "Enter a date like 3 December 2027 or 3/12/2027."),
    ({"since": "3 3 2026", "until": "2 3 2026"}, "until", "2 3 2026", "Enter a last day that is not before the first."),
]


@pytest.fixture
def admin(client: Client) -> dict[str, str]:
    client.follow_redirects = False
    return administrator(make_world())


@pytest.mark.parametrize(("asked", "field", "kept", "sentence"), TYPED)
@pytest.mark.parametrize("path", ["/staff/archive", "/staff/audit", *FIGURES])
def test_a_page_says_what_is_wrong_with_a_day_and_keeps_it(
    client: Client, admin: dict[str, str], path: str, asked: dict[str, str], field: str, kept: str, sentence: str
) -> None:
    answer = client.get(path, params=asked, headers=admin)
    assert answer.status_code == 422
    page = Page(answer.text)
    assert f"Error: {sentence}" in page.text.replace("Error:  ", "Error: ")
    assert page.fields[field][0] == kept


@pytest.mark.parametrize("path", ["/staff/archive", "/staff/audit", *FIGURES])
def test_a_day_may_be_typed_in_any_usual_way(client: Client, admin: dict[str, str], path: str) -> None:
    answer = client.get(path, params={"since": "3 3 2026", "until": "2026-04-01"}, headers=admin)
    assert answer.status_code == 200
    assert Page(answer.text).fields["since"][0] == "2026-03-03"


@pytest.mark.parametrize("path", FIGURES)
@pytest.mark.parametrize("asked", [{"since": "3 3 2001"}, {"since": "1/1/2999"}])
def test_ten_years_at_most_and_nothing_of_the_future(
    client: Client, admin: dict[str, str], path: str, asked: dict[str, str]
) -> None:
    answer = client.get(path, params=asked, headers=admin)
    assert answer.status_code == 422
    assert Page(answer.text).fields["since"][0] == asked["since"]


def test_no_file_is_made_of_days_that_cannot_be_read(client: Client) -> None:
    world: World = make_world()
    admin = administrator(world)
    nonsense = {"since": "soon"}
    assert client.get("/staff/audit.csv", params=nonsense, headers=admin).status_code == 422
    assert client.post("/staff/archive/export", data=nonsense | {"form": "csv"}, headers=admin).status_code == 422
    for path in ("service-levels", "costs"):
        answer = client.get(f"/api/v1/{path}", params=nonsense, headers=world.headers)
        assert answer.status_code in (400, 422), (path, answer.text)
