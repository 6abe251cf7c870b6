"""Rules of the house that no single room can keep by itself."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

import notify
from notify import migrations
from notify.core import db, setting_errors
from notify.core.jobs import Job
from notify.staff.guards import Requires
from notify.web import problems
from notify.web.forms import OPEN_TO_OTHER_SITES, SAFE_METHODS, from_our_pages
from notify.web.problem_pages import OF_THE_FRAMEWORK
from tests.house import collection, problems_page, settings_page
from workers.actors import ACTORS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

# every door that needs no right of staff, and why
PUBLIC = {
    "/health/live": "for orchestrators, says nothing",
    "/health/ready": "for orchestrators, says nothing",
    "/metrics": "for Prometheus, counts only",
    "/api": "redirects to the documentation",
    "/api/docs": "documentation",
    "/problems": "documentation",
    "/problems/{slug:str}": "documentation",
    "/api/openapi.json": "documentation",
    "/api/{path:str}": "not found, as a problem",
    "/theme.css": "the installation's colour",
    "/theme/logo": "the installation's logo",
    "/theme/preview.css": "colours that are in its address",
    "/basemap/{zoom:int}/{x:int}/{name:str}": "open data, for every map",
    "/basemap/{name:str}": "how maps look",
    "/map/{name:str}": "the script of maps",
    **{f"/theme/{{slug:str}}/{what}": "what everyone sees of a council" for what in ("style.css", "logo", "icon")},
    **dict.fromkeys(
        (
            *("/incidents", "/incidents/{ref:str}"),
            *("/alerts", "/alerts/{alert_id:uuid}", "/alerts.atom", "/alerts.json", "/topics", "/widget", "/poster"),
            "/alerts/{alert_id:uuid}/area.geojson",
            *("/alerts/{alert_id:uuid}/cap", "/alerts.cap.atom"),
            *("/performance", "/performance/{slug:str}/{name:str}", "/performance/catalog.jsonld"),
            *("/notices", "/notices/{council:str}/{reference:str}", "/notices.atom", "/notices.csv", "/notices.json"),
            *("/qr.svg", "/s/{source:str}", "/privacy", "/accessibility", "/sitemap.xml", "/robots.txt"),
        ),
        "for everybody to read",
    ),
    "/api/v1/postcodes/{postcode:str}": "published data",
    "/api/v1/areas": "published data",
    "/api/v1/areas/{code:str}": "published data",
    "/api/v1/webhooks/{provider:str}": "the adapter verifies the provider's signature",
    "/api/v1/webhooks/collections/{council:str}": "the contractor's signature is verified",
    "/near": "for everybody to look up, counted by network",
    "/alerts/{alert_id:uuid}/share.png": "for everybody to read",
    "/incidents/{ref:str}/share.png": "for everybody to read",
    "/share.png": "for everybody to read",
    "/icon.png": "for everybody to read",
    "/favicon.ico": "for everybody to read",
    "/manifest.webmanifest": "for everybody to read",
    "/bins/widget": "for everybody to read",
    "/bins/rounds.csv": "for everybody to read",
    "/bins": "for everybody to look up, counted by network",
    "/bins/{council:str}/{reference:str}": "for everybody to look up, counted by network",
    "/bins/{council:str}/{reference:str}/year": "for everybody to look up, counted by network",
    "/bins/{council:str}/{reference:str}/wrong": "everybody may say that a day is wrong, counted by network",
    "/bin-calendar/{token:str}": "the signed token in the address is the proof",
    "/api/v1/collections": "for everybody to look up, counted by network; what is paid for needs a key",
    "/api/v1/rounds": "open data",
    "/my/bins": "a resident's session, checked in the room",
    "/my/bins/{reminder_id:uuid}/remove": "a resident's session, checked in the room",
    "/static/{file_path:path}": "styles and scripts of our pages",
    "/": "the way in",
    "/sign-up": "residents sign up without an account",
    "/sign-up/{step:str}": "residents sign up without an account",
    "/sign-up/sent": "shows what this browser just sent",
    "/sign-up/clear": "forgets what this browser keeps",
    "/confirm/{token:str}": "the token in the link is the proof",
    "/add-contact/{token:str}": "the token in the link is the proof",
    "/confirm-code": "the code in the text is the proof",
    "/manage": "asks for a link, and says the same whether the address is known or not",
    "/manage/{token:str}": "the token in the link is the proof",
    "/my": "a resident's session, checked in the room",
    "/my/change/{question:str}": "a resident's session, checked in the room",
    "/my/topic-places/{topic_id:uuid}": "a resident's session, checked in the room",
    "/my/stop": "a resident's session, checked in the room",
    "/my/sent": "a resident's session, checked in the room",
    "/my/data": "a resident's session, checked in the room",
    "/my/data.json": "a resident's session, checked in the room",
    "/my/data.csv": "a resident's session, checked in the room",
    "/my/emails": "a resident's session, checked in the room",
    "/my/quiet": "a resident's session, checked in the room",
    "/my/pause": "a resident's session, checked in the room",
    "/my/move/{place_id:uuid}": "a resident's session, checked in the room",
    "/my/keep/{place_id:uuid}": "a resident's session, checked in the room",
    "/my/erase": "a resident's session, checked in the room",
    "/my/sign-out": "a resident's session, checked in the room",
    "/staff/sign-in": "says how to sign in; password and code are the proof",
    "/staff/sign-in/oidc": "sends the browser to the council's identity provider",
    "/staff/sign-in/oidc/back": "the identity provider's signed answer is the proof",
    "/staff/sign-in/{token:str}": "the token in the link is the proof",
    "/staff/sign-out": "ends whatever session the cookie names",
    "/u/{token:str}": "the signed token in the mail is the proof; RFC 8058 forbids asking for more",
    "/r/{token:str}": "the signed token in the message is the proof",
    "/a/{code:str}": "leads to a public page",
    "/x/{token:str}": "the signed token in the text is the proof",
    "/c/{token:str}": "a signed link in a mail",
    "/o/{token:str}": "a signed picture in a mail",
}


def doors(app: Litestar) -> Iterator[tuple[str, HTTPRouteHandler]]:
    """Every path with each of its handlers."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                if handler.http_methods != {"OPTIONS"}:
                    yield route.path, handler


def guards(handler: HTTPRouteHandler) -> list[Any]:
    """The guards as they were written."""
    return [getattr(guard, "func", guard) for guard in handler.resolve_guards()]


def test_every_door_needs_a_right_or_is_public_for_a_reason(app: Litestar) -> None:
    open_doors = {path for path, handler in doors(app) if not any(isinstance(g, Requires) for g in guards(handler))}
    assert open_doors - set(PUBLIC) == set()


def test_no_door_that_was_made_public_has_gone_or_got_a_guard(app: Litestar) -> None:
    open_doors = {path for path, handler in doors(app) if not any(isinstance(g, Requires) for g in guards(handler))}
    assert set(PUBLIC) - open_doors == set()


def test_every_door_that_was_built_is_open(app: Litestar) -> None:
    opened = {getattr(handler.fn, "func", handler.fn) for _, handler in doors(app)}
    built = {
        f"{module.__name__}.{name}": handler.fn
        for found in pkgutil.walk_packages(notify.__path__, "notify.")
        if found.name.endswith(("api", "pages", ".app", ".docs"))
        for module in [importlib.import_module(found.name)]
        for name, handler in vars(module).items()
        if isinstance(handler, HTTPRouteHandler)
    }
    assert len(built) > 40
    assert [name for name, fn in built.items() if fn not in opened] == []


def test_every_page_that_changes_something_refuses_other_sites(app: Litestar) -> None:
    unguarded = {
        path
        for path, handler in doors(app)
        if not handler.http_methods <= SAFE_METHODS
        and not path.startswith("/api/v1/")
        and from_our_pages not in guards(handler)
    }
    assert {path.replace(":str", "") for path in unguarded} == OPEN_TO_OTHER_SITES


def test_every_operation_of_the_api_is_described(app: Litestar) -> None:
    schema = app.openapi_schema.to_schema()
    operations = [(path, method, found) for path, item in schema["paths"].items() for method, found in item.items()]
    assert len(operations) > 20
    assert [(path, method) for path, method, found in operations if not found.get("description")] == []
    assert [(path, method) for path, method, found in operations if not found.get("tags")] == []


def test_every_job_has_an_actor() -> None:
    assert set(ACTORS) == set(Job)


def test_every_setting_says_what_it_is() -> None:
    every = [row for settings in settings_page.classes() for row in settings_page.rows(settings)]
    assert len(every) > 20
    assert [row.name for row in every if not row.description.endswith(".")] == []
    assert [row.name for row in every if not row.name.startswith("NOTIFY_")] == []
    assert len({row.name for row in every}) == len(every)


def test_every_setting_that_is_named_somewhere_exists() -> None:
    known = {row.name for settings in settings_page.classes() for row in settings_page.rows(settings)}
    known |= {f"{name}_FILE" for name in known} | setting_errors.OTHERS | {"NOTIFY_FILE"}  # the end of such a name
    root = DOCS.parent
    files = [*root.glob("notify/**/*.py"), *root.glob("templates/**/*.html"), *root.glob("docs/**/*.md")]
    named = {(name, file.name) for file in files for name in re.findall(r"\bNOTIFY_[A-Z_]+[A-Z]\b", file.read_text())}
    assert sorted((name, file) for name, file in named if name not in known) == []


def test_the_page_of_settings_is_up_to_date() -> None:
    assert (DOCS / "settings.md").read_text() == settings_page.page(), (
        "Write it anew: python -m tests.house.settings_page > docs/settings.md"
    )


def test_the_collection_of_calls_is_up_to_date(app: Litestar) -> None:
    made = collection.collection(app.openapi_schema.to_schema())
    assert collection.FILE.read_text() == made, "Write it anew: python -m tests.house.collection"


def test_the_names_of_settings_are_up_to_date() -> None:
    assert settings_page.NAMES.read_text() == settings_page.names(), (
        "Write them anew: python -m tests.house.settings_page > docs/settings.md"
    )


def test_the_page_of_problems_is_up_to_date() -> None:
    page = (DOCS / "api.md").read_text()
    assert page == problems_page.page(page), "Write it anew: python -m tests.house.problems_page"


def test_every_problem_has_a_title_of_its_own_and_says_what_it_means() -> None:
    every = problems_page.problems()
    assert len(every) > 40
    assert [kind.__name__ for kind in every if "title" not in vars(kind)] == []
    assert [
        kind.__name__ for kind in every if not kind.__doc__ or not kind.__doc__.partition("\n")[0].endswith(".")
    ] == []


def test_what_the_framework_refuses_is_on_the_page_of_problems_too() -> None:
    source = Path(problems.__file__).read_text()
    named = set(re.findall(r'slug="([a-z-]+)"', source)) | {f"http-{status}" for status in problems.HTTP_TITLES}
    documented = {one.slug for one in OF_THE_FRAMEWORK} | {kind.slug() for kind in problems_page.problems()}
    assert named - documented == {"http-429"}


def test_there_is_one_newest_migration() -> None:
    assert len(ScriptDirectory.from_config(migrations.config()).get_heads()) == 1


@pytest.mark.usefixtures("servers")
def test_the_models_are_what_the_migrations_make() -> None:
    def include(_object: object, name: str | None, kind: str, *_: object) -> bool:
        # partitions come and go at run time, and indexes are written in SQL, where they are tuned
        return kind not in ("index", "unique_constraint") and not migrations.HIDDEN_TABLES.match(name or "")

    with db.engine().connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": include})
        assert compare_metadata(context, migrations.METADATA) == []


def modules() -> list[Path]:
    """Every module that is shipped, except migrations: those are history and stay as they were."""
    every = [path for package in ("notify", "workers") for path in (ROOT / package).rglob("*.py")]
    return sorted(path for path in every if path.parent.name != "versions")


def test_no_module_is_longer_than_400_lines() -> None:
    long = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in modules()}
    assert {path: lines for path, lines in long.items() if lines > 400} == {}


def test_no_function_is_longer_than_50_lines() -> None:
    long = []
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines > 50:
                    long.append(f"{path.relative_to(ROOT)}: {node.name} has {lines}")
    assert long == []


def test_every_module_and_every_public_function_says_what_it_is_for() -> None:
    silent = []
    for path in modules():
        tree = ast.parse(path.read_text())
        named = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node in tree.body
        ]
        silent += [str(path.relative_to(ROOT))] if not ast.get_docstring(tree) else []
        silent += [
            f"{path.relative_to(ROOT)}: {node.name}"
            for node in named
            if not node.name.startswith("_") and not ast.get_docstring(node)
        ]
    assert silent == []
