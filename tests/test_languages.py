"""A language is a catalogue in a folder: pages speak it where the council offers it, and its gaps are known."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from litestar import Litestar
from litestar.testing import TestClient

from notify import languages
from notify.core.settings import settings
from notify.languages_command import languages_command
from notify.staff.models import Role
from tests.world import World, make_world, signed_in

Client = TestClient[Litestar]
HEAD = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n"Plural-Forms: {plural}\\n"\n\n'
POLISH = HEAD.format(
    plural="nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2);"
) + (
    'msgid "Current alerts"\nmsgstr "Aktualne alerty"\n\n'
    'msgid "Skip to main content"\nmsgstr "Przejdź do treści"\n\n'
    'msgid "Sign up"\nmsgstr "Zapisz się"\n'
)
URDU = HEAD.format(plural="nplurals=2; plural=(n != 1);") + 'msgid "Current alerts"\nmsgstr "موجودہ انتباہات"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small Polish and a small Urdu catalogue."""
    for code, words in (("pl", POLISH), ("ur", URDU)):
        put(tmp_path, code, words)
    return tmp_path


def put(folder: Path, code: str, words: str) -> None:
    file = folder / code / "LC_MESSAGES" / "notify.po"
    file.parent.mkdir(parents=True)
    file.write_text(words, encoding="utf-8")


@pytest.fixture
def added(folder: Path, choose: Callable[..., None]) -> None:
    choose(LOCALE_DIR=str(folder))
    settings()


@pytest.fixture
def world(database: None) -> World:
    return make_world()


@pytest.mark.usefixtures("added", "world")
def test_pages_speak_an_added_language_by_link_and_by_browser(client: Client) -> None:
    page = client.get("/alerts?lang=pl").text
    assert '<html lang="pl">' in page
    assert "Aktualne alerty" in page
    assert ">Polski</span>" in page
    asked = client.get("/alerts", headers={"Accept-Language": "pl-PL,pl;q=0.9,en;q=0.5"})
    assert (asked.headers["content-language"], "Aktualne alerty" in asked.text) == ("pl", True)
    assert "Manage your alerts" in asked.text  # what is missing is English


@pytest.mark.usefixtures("added", "world")
def test_a_language_from_right_to_left_says_so(client: Client) -> None:
    page = client.get("/alerts?lang=ur").text
    assert '<html lang="ur" dir="rtl">' in page
    assert "موجودہ انتباہات" in page


@pytest.mark.usefixtures("added")
def test_a_council_offers_only_the_languages_that_it_chose(client: Client, world: World) -> None:
    changed = client.patch("/api/v1/council", json={"languages": ["ur"]}, headers=world.headers)
    assert changed.status_code == 200, changed.text
    page = client.get("/alerts?council=zed&lang=pl")
    assert ("Polski" in page.text, page.headers["content-language"]) == (False, "en")
    assert client.get("/alerts?council=zed&lang=ur").headers["content-language"] == "ur"


@pytest.mark.usefixtures("added")
def test_its_gaps_are_counted_on_a_page_and_by_a_command(client: Client, world: World) -> None:
    polish = next(one for one in languages.completeness() if one.code == "pl")
    assert (len(polish.missing), polish.percent) == (polish.words - 3, 100 * 3 // polish.words)
    page = client.get("/staff/settings/languages", headers=signed_in(world.council_id, Role.ADMIN)).text
    assert "Polski (pl)" in page
    told = CliRunner().invoke(languages_command, []).output
    assert f"Cymraeg (cy): 100% of {polish.words:,} texts, 0 missing" in told
    assert "Manage your alerts" in CliRunner().invoke(languages_command, ["--missing", "pl"]).output
    assert CliRunner().invoke(languages_command, ["--missing", "fr"]).exit_code == 2


@pytest.mark.parametrize(
    ("code", "words", "said"),
    [
        ("polish", POLISH, "is not the code of a language"),
        ("pl", "msgid broken", "cannot be read"),
        ("pl", HEAD.format(plural="nplurals=1; plural=0;") + 'msgid "Current"\nmsgstr "{kto}"\n', "has no {kto}"),
        ("pl", HEAD.format(plural="nplurals=1; plural=0;") + 'msgid "Current"\nmsgstr "{"\n', "braces"),
    ],
)
def test_a_catalogue_that_would_break_pages_is_refused_in_a_sentence(
    tmp_path: Path, code: str, words: str, said: str
) -> None:
    put(tmp_path, code, words)
    [fault] = languages.faults_of(tmp_path)
    assert said in fault
    assert languages.faults_of(tmp_path / "nothing") == [f"{tmp_path / 'nothing'} is no folder"]
