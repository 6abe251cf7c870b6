"""Every page in every state passes axe, fits a narrow screen and works by keyboard and without scripts."""

import re
from types import SimpleNamespace

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect
from sqlmodel import select

from notify.alerts.models import AlertState
from notify.core.db import transaction
from notify.subscribers.models import Contact, ServiceMessageKind
from notify.web import templates
from tests.browser.axe import COLOUR_RULES, LAYOUT_RULES, violations
from tests.browser.conftest import NewPage
from tests.browser.near_states import live
from tests.browser.states import STATES, ask_postcode, go_on, link_for, my
from tests.world import World

pytestmark = pytest.mark.browser

NARROW = ViewportSize(width=320, height=640)

BAD_PAGE = """
<html><head></head><body><h3>Bad</h3><input type=text><img src=x><a href=/></a>
<p style="color:#aaa;background:#fff">Too pale</p><button style="width:10px;height:10px"></button></body></html>
"""

# WCAG 1.4.12: a reader may set text this wide without losing any
TEXT_SPACING = (
    "* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important } "
    "p { margin-bottom: 2em !important }"
)


def test_the_checker_finds_what_is_wrong(page: Page) -> None:
    page.set_content(BAD_PAGE.replace("src=x", ""))
    found = " ".join(violations(page))
    for rule in ("document-title", "html-has-lang", "label", "image-alt", "link-name", "color-contrast", "button-name"):
        assert rule in found
    assert [fault.partition(":")[0] for fault in violations(page, only=COLOUR_RULES)] == ["color-contrast"]


# between them these show every layout and every coloured part; `make nightly` looks at all the others in each palette
COLOURFUL = (
    *(
        "home-live",
        "near",
        "contacts-faulty",
        "check",
        "confirmed",
        "my",
        "my-faulty",
        "reply",
        "alerts",
        "alert",
        "notices",
        "notice",
    ),
    *("performance", "staff-alerts", "staff-alert", "staff-training", "desk-where-counted", "desk-words-advice"),
    *("desk-check", "desk-calendar-full", "desk-emergency-words", "figures", "figures-alert", "figures-wards"),
    *("figures-targets", "figures-costs", "figures-calls-around", "staff-missed-answers", "evidence"),
    *("exports-schedules", "staff-audit"),
)
LONG = [pytest.param(state, marks=pytest.mark.long) for state in STATES if state not in {*COLOURFUL, "docs"}]

# the same page once more, with a summary of errors, with nothing to list, or in Welsh: parts that all pages share
AGAIN = ("-faulty", "-empty", "-welsh", "-off")
EVERY_PAGE = [
    pytest.param(state, marks=pytest.mark.long) if state.endswith(AGAIN) and state not in COLOURFUL else state
    for state in STATES
]


@pytest.mark.parametrize("state", EVERY_PAGE)
def test_a_page_is_accessible_and_fits_a_narrow_screen(cleared_page: Page, world: World, state: str) -> None:
    page = cleared_page
    STATES[state](page, world)
    assert violations(page) == []
    hidden = hidden_elements(page)
    page.set_viewport_size(NARROW)
    assert hidden_elements(page) == hidden
    assert violations(page, only=LAYOUT_RULES) == []
    assert is_within_the_screen(page)
    assert [page.locator(landmark).count() for landmark in ("main", "body > header", "body > footer")] == [1, 1, 1]
    assert page.locator("h1").count() == 1


@pytest.mark.parametrize("state", [*COLOURFUL, *LONG])
def test_a_page_can_be_read_in_dark_and_in_forced_colours(cleared_page: Page, world: World, state: str) -> None:
    page = cleared_page
    STATES[state](page, world)
    page.emulate_media(color_scheme="dark")
    assert violations(page, only=COLOUR_RULES) == []
    page.emulate_media(color_scheme="light", forced_colors="active")
    assert violations(page, only=COLOUR_RULES) == []


def hidden_elements(page: Page) -> int:
    """How many elements cannot be seen, apart from the marks that a narrow chart leaves out."""
    return int(
        page.evaluate(
            "[...document.querySelectorAll('body *')].filter(e => !e.closest('svg') && !e.checkVisibility()).length"
        )
    )


def is_within_the_screen(page: Page) -> bool:
    """Whether nothing has to be scrolled sideways, apart from tables in a box of their own."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


@pytest.mark.parametrize("state", ["contacts-faulty", "contacts-faulty-welsh", "topics", "check", "my", "docs", "home"])
def test_wide_text_and_zoom_lose_nothing(new_page: NewPage, world: World, state: str) -> None:
    page = new_page(viewport=NARROW, bypass_csp=True)
    STATES[state](page, world)
    page.add_style_tag(content=TEXT_SPACING)
    assert is_within_the_screen(page)
    page.add_style_tag(content="html { font-size: 200% !important }")
    page.set_viewport_size({"width": 640, "height": 900})
    assert is_within_the_screen(page)
    page.add_style_tag(content="html { font-size: 400% !important }")
    page.set_viewport_size({"width": 1280, "height": 1024})
    assert is_within_the_screen(page)


@pytest.mark.parametrize(
    "state",
    [
        *("postcode-faulty", "ward-faulty", "topics-faulty", "channels-faulty", "contacts-faulty", "my-faulty"),
        *("manage-faulty", "staff-sign-in-faulty", "staff-confirm-faulty", "staff-officer-faulty", "staff-keys-faulty"),
        "staff-decide-faulty",
    ],
)
def test_a_fault_is_told_first_and_leads_to_its_field(cleared_page: Page, world: World, state: str) -> None:
    page = cleared_page
    STATES[state](page, world)
    expect(page).to_have_title(re.compile("^Error: "))
    summary = page.locator("#error-summary")
    expect(summary).to_be_focused()
    link = summary.get_by_role("link").first
    target = page.locator(link.get_attribute("href") or "")
    link.click()
    expect(target).to_be_focused()


def tab_to(page: Page, role: str, name: str) -> None:
    """Press Tab until this control has the focus, and see that the focus shows."""
    for _ in range(40):
        page.keyboard.press("Tab")
        control = page.get_by_role(role, name=name)  # type: ignore[arg-type]
        if control.count() and control.first.evaluate("e => e === document.activeElement"):
            outline = control.first.evaluate("e => getComputedStyle(e).outlineStyle + getComputedStyle(e).outlineWidth")
            assert outline == "solid3px"
            return
    raise AssertionError(f"{role} {name!r} cannot be reached by keyboard")


def test_a_resident_signs_up_with_the_keyboard_alone(page: Page, world: World) -> None:
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to main content")).to_be_focused()
    tab_to(page, "link", "Sign up for alerts")
    page.keyboard.press("Enter")
    tab_to(page, "textbox", "What is your postcode?")
    page.keyboard.type("zz1 1aa")
    page.keyboard.press("Enter")
    tab_to(page, "checkbox", "Bin collections")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")  # sends a form from any of its fields, and not by way of Back or a language
    tab_to(page, "checkbox", "Email")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    tab_to(page, "textbox", "Email address")
    page.keyboard.type("sam@example.org")
    page.keyboard.press("Enter")
    for question in ("How do you want your emails?", "In which language do you want your alerts?"):
        expect(page.get_by_role("heading", level=1)).to_have_text(question)
        tab_to(page, "button", "Continue")
        page.keyboard.press("Space")
    expect(page.get_by_role("heading", level=1)).to_have_text("May we count what you read?")
    tab_to(page, "button", "Continue")
    page.keyboard.press("Space")
    tab_to(page, "button", "Agree and sign up")
    page.keyboard.press("Space")
    expect(page.get_by_role("heading", level=1)).to_have_text("Check your email")
    page.goto(f"/confirm/{link_for('sam@example.org', ServiceMessageKind.CONFIRM)}")
    tab_to(page, "button", "Confirm my alerts")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("You are signed up")
    with transaction() as session:
        assert session.exec(select(Contact.confirmed_at)).one() is not None


def test_the_whole_journey_works_without_scripts(new_page: NewPage, world: World) -> None:
    page = new_page(java_script_enabled=False)
    ask_postcode(page, world)
    page.get_by_label("Road closures").check()
    go_on(page)
    page.get_by_label("Text message").check()
    go_on(page)
    page.get_by_label("UK mobile number").fill("07700 900123")
    for _question in ("number", "language", "counting"):
        go_on(page)
    page.get_by_role("button", name="Agree and sign up").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Check your text messages"
    page.goto(f"/confirm/{link_for('+447700900123', ServiceMessageKind.CONFIRM)}")
    page.get_by_role("button").click()
    assert [cookie["name"] for cookie in page.context.cookies()] == ["sign-up"]
    page.goto(f"/manage/{link_for('+447700900123', ServiceMessageKind.SIGN_IN)}")
    page.get_by_role("button").click()
    page.get_by_role("link", name="Change Topics").click()
    page.get_by_label("Bin collections").check()
    page.get_by_role("button", name="Save").click()
    assert page.get_by_role("status").inner_text() == "Your choices are saved."
    assert "Bin collections" in page.get_by_role("main").inner_text()
    [cookie] = [cookie for cookie in page.context.cookies() if cookie["name"] != "sign-up"]
    assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"]) == ("resident", True, "Lax")
    page.get_by_role("link", name="Leave and erase your details").click()
    page.get_by_label("Yes, erase everything about me").check()
    page.get_by_role("button", name="Erase everything").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Everything is erased"
    assert page.context.cookies() == []


def test_another_sites_form_cannot_use_the_session(chromium: Browser, site: str, world: World) -> None:
    elsewhere = "http://elsewhere.example/"
    form = f'<form method=post action="{site}/my/erase"><input name=sure value=yes><button>Win</button></form>'
    page = chromium.new_page(base_url=site)
    my(page, world)
    page.route(elsewhere, lambda route: route.fulfill(content_type="text/html", body=form))
    page.goto(elsewhere)
    with page.expect_response("**/my/erase") as caught:
        page.get_by_role("button", name="Win").click()
    assert caught.value.status == 403
    page.goto("/my")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your alerts")
    page.close()


def fetched(page: Page) -> int:
    """The bytes that the page and what it shows took on the wire."""
    return int(page.evaluate("performance.getEntries().reduce((sum, entry) => sum + (entry.transferSize || 0), 0)"))


def test_a_page_is_light(new_page: NewPage, world: World) -> None:
    page = new_page()
    page.goto("/sign-up", wait_until="networkidle")
    first = fetched(page)
    assert 3_000 < first < 25_000  # with style and icon
    ask_postcode(page, world)
    assert fetched(page) < 50_000
    live(world)
    for path in ("/", "/near?postcode=ZZ1+1AA"):
        fresh = new_page()
        fresh.goto(path, wait_until="networkidle")
        assert fetched(fresh) < 40_000


FIGURES = {
    "recipients": 2410, "sent": 1900, "delivered": 1200, "failed": 30, "suppressed": 12, "cancelled": 0, "waiting": 468,
    "unsubscribed": 2, "clicks": 40, "opens": 90, "time_to_50": 1.4, "time_to_95": 6.25, "time_to_99": None,
}  # fmt: skip


@pytest.mark.parametrize("is_under_way", [True, False])
@pytest.mark.parametrize("empty", [True, False])
def test_progress_can_be_read_without_seeing_the_bar(page: Page, world: World, is_under_way: bool, empty: bool) -> None:
    from notify.core import clock

    figures = {name: 0 if isinstance(value, int) else None for name, value in FIGURES.items()} if empty else FIGURES
    alert = SimpleNamespace(
        id="1", title="Mill Road closed", body="Closed.", state=AlertState.SENDING, priority="emergency",
        created_at=clock.now(), approved_at=clock.now(), expires_at=None, is_training=False, escalated_at=None,
        group_words=None, follows_id=None, follow_up=None,
    )  # fmt: skip
    html = templates.page(
        "alerts/alert.html",
        alert=alert,
        topic="Road closures",
        is_watched=is_under_way,
        escalates_at=None,
        ended_areas=[],
        replies=None,
        ward_map=None,
        may_call=True,
        figures=figures,
        by_channel=[] if empty else [{"channel": "email"} | figures, {"channel": "sms"} | figures],
        by_ward=[] if empty else [{"code": "Z05000001", "name": "Northside", "people": 2410} | figures],
        is_under_way=is_under_way,
        holds=[] if empty else [SimpleNamespace(scope="alert", at=clock.now(), reason="Too many bounces.")],
        bounces=None if empty else "12 of 240 messages were refused for good.",
        dead=[],
        dead_count=0,
        late_at=None,
        first=None,
        updates=[],
        officer="Kim",
        may_write=True,
        incident=None,
        asked=[],
        waiting=None,
        map=None,
    ).content
    page.route("**/preview", lambda route: route.fulfill(content_type="text/html", body=str(html)))
    page.goto("/preview")
    assert violations(page) == []
    if empty:
        assert page.get_by_text("Nothing has been sent yet.").is_visible()
        return
    label = page.get_by_role("img").get_attribute("aria-label") or ""
    assert f"Of {figures['recipients']:,} messages {figures['sent']:,} are sent" in label
    page.emulate_media(color_scheme="dark")
    assert violations(page) == []
