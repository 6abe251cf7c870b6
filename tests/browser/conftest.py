"""A real server process and a real Chromium. Without Chromium these tests fail: a skipped check proves nothing."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, Playwright, Request, expect, sync_playwright

from notify.devserver import embedded
from notify.processes.command_lines import web_process
from tests.world import World, make_world

# a machine without a graphics card draws a tenth cheaper in the browser's own process
FLAGS = ["--disable-dev-shm-usage", "--disable-gpu", "--in-process-gpu"]
DRAWING_FLAGS = [FLAGS[0], FLAGS[2], "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]

# long enough for a machine with other work to do: what is broken fails by what it shows, not by how long it takes
PATIENCE_MS = 30_000
expect.set_options(timeout=PATIENCE_MS)

NewPage = Callable[..., Page]


@pytest.fixture(scope="session")
def site(servers: embedded.Addresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    log = tmp_path_factory.mktemp("web") / "web.log"
    with log.open("w") as output:
        environment = os.environ | {"NOTIFY_BASE_URL": address}
        argv = list(web_process("127.0.0.1", port).argv)
        server = subprocess.Popen(argv, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        _wait(address, server, log)
        yield address
    finally:
        server.terminate()
        server.wait(20)


def _wait(address: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 120  # while it lives, however busy the machine is
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text()
        try:
            if httpx.get(f"{address}/health/ready", timeout=1).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"The server did not answer in 120 s: {log.read_text()}")


@pytest.fixture(scope="session")
def driver() -> Iterator[Playwright]:
    """What drives browsers; a process has one."""
    with sync_playwright() as playwright:
        yield playwright


def chromium_path() -> str:
    """The Chromium of this machine, without its windows where there is such a build: that one starts pages faster."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if not path:
        pytest.fail("Browser tests need Chromium: apt-get install chromium-headless-shell, or set CHROMIUM=/path")
    return path


@pytest.fixture(scope="session")
def chromium(driver: Playwright) -> Iterator[Browser]:
    """The Chromium of most tests."""
    browser = driver.chromium.launch(executable_path=chromium_path(), args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def drawing_chromium(driver: Playwright) -> Iterator[Browser]:
    """A Chromium that draws WebGL without a graphics card, which costs every other test too much."""
    browser = driver.chromium.launch(executable_path=chromium_path(), args=DRAWING_FLAGS)
    yield browser
    browser.close()


@pytest.fixture
def world(database: None) -> World:
    """The invented council, in the database that the server reads."""
    return make_world()


@pytest.fixture(scope="session")
def kept_page(site: str, chromium: Browser) -> Iterator[Page]:
    """One page for many tests: a new one is a new process, which costs more than most of what is tested in it."""
    context = chromium.new_context(base_url=site)
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


@pytest.fixture
def cleared_page(site: str, kept_page: Page) -> Iterator[Page]:
    """The kept page with nothing left in it, in a light look of usual width.

    Asking anybody but our server fails the test.
    """
    foreign: list[str] = []

    def note(request: Request) -> None:
        if not request.url.startswith(site):
            foreign.append(request.url)

    kept_page.set_viewport_size({"width": 1280, "height": 900})
    kept_page.emulate_media(color_scheme="light", forced_colors="none")
    kept_page.on("request", note)
    yield kept_page
    kept_page.remove_listener("request", note)
    kept_page.context.clear_cookies()
    kept_page.goto("/health/live")
    line = kept_page.context.new_cdp_session(kept_page)
    line.send("Network.clearBrowserCache")  # pages may be kept for minutes, and the next test has other data
    line.detach()
    assert foreign == []


@pytest.fixture
def new_page(site: str, chromium: Browser) -> Iterator[NewPage]:
    """Makes pages of a browser that has never been here. Asking anybody but our server fails the test."""
    contexts, foreign = [], []

    def make(**options: object) -> Page:
        context = chromium.new_context(base_url=site, **options)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: foreign.append(request.url) if not request.url.startswith(site) else None)
        return page

    yield make
    for context in contexts:
        context.close()
    assert foreign == []


@pytest.fixture
def page(new_page: NewPage) -> Page:
    """One such page."""
    return new_page()
