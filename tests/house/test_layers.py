"""Inside a feature: routes import rules, rules import data, and nothing imports a route. By rule, for every module."""

import pkgutil
import tomllib
from pathlib import Path

import grimp
import pytest

import notify

ROOT = Path(__file__).parents[2]
GRAPH = grimp.build_graph("notify", "workers", include_external_packages=True, cache_dir=None)
MODULES = sorted(name for name in GRAPH.modules if name.startswith("notify."))

# what a module is, by how its name ends; a higher one may import a lower one of the same package
KINDS = {"api": 3, "pages": 3, "guards": 2, "service": 1, "queries": 0, "models": -1}
FOR_THE_WEB = ("api", "pages", "guards")
WEB = ("litestar", "notify.web")
# modules of a feature that belong to its pages, though their names do not say so
BESIDE_PAGES = {
    "notify.drafting.route_options": "the guards that its pages share",
    "notify.drafting.shape_upload": "reads an uploaded file for the audience page",
    "notify.staff.routes": "how pages of staff are declared",
    "notify.exports.download": "a file as a response",
    "notify.evidence.report_files": "a report as a response",
    "notify.insight.report_frame": "the frame of report pages",
    "notify.alerts.publishing.banner": "what every public page names",
    "notify.insight.live_stream": "figures as server-sent events, for two pages",
    "notify.staff.page_frame": "the frame of staff pages",
    "notify.staff.council_settings.look": "the look of a council's pages",
    "notify.staff.council_settings.preview": "a page that shows a look before it is saved",
    "notify.staff.sign_in.step_up": "asks for the second factor again before a route runs",
    "notify.staff.user_views": "what two modules of pages show",
    "notify.places.shape_requests": "reads an uploaded map file for its routes",
    "notify.places.release_uploads": "reads an uploaded release for its routes",
    "notify.subscribers.imports.uploads": "reads an uploaded list for its routes",
    "notify.waste.uploads": "reads uploaded files for its pages",
    "notify.tracking.buffer": "starts and stops with the application",
}


def kind(module: str) -> int | None:
    """How high a module stands in its package, `None` where its name does not say."""
    last = module.rsplit(".", 1)[-1]
    return next((height for ending, height in KINDS.items() if last == ending or last.endswith(f"_{ending}")), None)


def routes() -> list[str]:
    return [module for module in MODULES if kind(module) == KINDS["api"] and module.split(".")[1] != "client"]


@pytest.mark.parametrize("module", routes())
def test_a_module_of_routes_is_imported_by_the_application_alone(module: str) -> None:
    importers = GRAPH.find_modules_that_directly_import(module)
    assert importers <= {"notify.app"}


@pytest.mark.parametrize("module", [module for module in MODULES if kind(module) is not None])
def test_a_module_imports_nothing_that_stands_above_it_in_its_feature(module: str) -> None:
    package = module.rsplit(".", 1)[0]
    own = kind(module)
    assert own is not None
    above = [
        other
        for other in GRAPH.find_modules_directly_imported_by(module)
        if other.rsplit(".", 1)[0] == package and (height := kind(other)) is not None and height > own
    ]
    assert above == []


def test_rules_and_data_know_no_web_framework() -> None:
    knowing = {
        module
        for module in MODULES
        if not module.rsplit(".", 1)[-1].endswith(FOR_THE_WEB)
        and module.split(".")[1] not in {"web", "app"}
        and module not in BESIDE_PAGES
        and any(other.startswith(WEB) for other in GRAPH.find_modules_directly_imported_by(module))
    }
    assert knowing == set()


def test_every_feature_has_its_place_in_the_layers() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = settings["tool"]["importlinter"]["contracts"]
    layers = next(contract for contract in contracts if contract.get("exhaustive"))
    placed = {name.strip(" ()") for layer in layers["layers"] for name in layer.split("|")}
    assert {found.name for found in pkgutil.iter_modules(notify.__path__)} == placed | set(layers["exhaustive_ignores"])
