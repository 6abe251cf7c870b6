"""Pages with a map are sent with what a map needs, and no other page with any of it."""

from collections.abc import Callable

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from notify.places.basemap import script
from notify.web.headers import CONTENT_SECURITY_POLICY, SECURITY_HEADERS
from tests.drafting.desk import draw_wards, sit_down
from tests.world import World, make_world

Client = TestClient[Litestar]
POLICY, PERMISSIONS = "content-security-policy", "permissions-policy"


@pytest.fixture
def world(database: None) -> World:
    return make_world()


def test_only_the_page_with_the_map_may_have_a_worker_and_ask_where_one_is(client: Client, world: World) -> None:
    assert script.is_built(), "The map is not built: make map"
    draw_wards()
    kim = sit_down(client, world).begin()
    page = client.get(f"{kim.draft}/where")
    assert page.headers[POLICY] == CONTENT_SECURITY_POLICY + "; worker-src 'self'"
    assert "geolocation=(self)" in page.headers[PERMISSIONS]
    assert "unsafe" not in page.headers[POLICY]
    for path in ("/staff", "/staff/compose", f"{kim.draft}/words", "/", "/alerts", "/basemap/style-light.json"):
        answer = client.get(path)
        assert answer.headers[POLICY] == CONTENT_SECURITY_POLICY, path
        assert answer.headers[PERMISSIONS] == SECURITY_HEADERS["Permissions-Policy"], path


def test_the_host_of_pictures_is_allowed_by_its_setting_alone(
    client: Client, world: World, choose: Callable[..., None]
) -> None:
    choose(MAP_TILES_URL="https://tiles.example.org/maps/{z}/{x}/{y}.png?key=k")
    draw_wards()
    kim = sit_down(client, world).begin()
    policy = client.get(f"{kim.draft}/where").headers[POLICY]
    assert "connect-src 'self' https://tiles.example.org;" in policy
    assert "key=k" not in policy


def test_without_the_built_script_the_page_has_its_drawing_and_nothing_of_the_map(
    client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "_names", dict)
    draw_wards()
    kim = sit_down(client, world).begin()
    page = client.get(f"{kim.draft}/where")
    assert page.headers[POLICY] == CONTENT_SECURITY_POLICY
    assert ('id="map"' in page.text, 'data-ward="Z05000001"' in page.text) == (False, True)
    assert client.get("/map/drawing.js").status_code == 404


def test_the_script_is_sent_compressed_and_kept_for_ever(client: Client) -> None:
    address = script.addresses()["worker.js"]
    for encoding in ("br", "gzip"):
        answer = client.get(address, headers={"Accept-Encoding": encoding})
        assert answer.headers["content-encoding"] == encoding
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["vary"] == "Accept-Encoding"
    plain = client.get(address, headers={"Accept-Encoding": "identity"})
    assert plain.text.lstrip().startswith(("/**", "var ", "(", "function"))
    again = client.get(address, headers={"If-None-Match": plain.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
