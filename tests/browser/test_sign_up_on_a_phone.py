"""Sign-up on a phone: Back at every step, reload, two tabs, a double press, a shared number and a forwarded mail."""

from collections.abc import Callable, Mapping, Sequence

import pytest
from playwright.sync_api import Page, Playwright, expect
from sqlalchemy import text
from sqlmodel import select

from notify.core.db import transaction
from notify.subscribers.models import Contact, ServiceMessage, ServiceMessageKind, Subscription
from tests.browser.conftest import NewPage
from tests.browser.states import ask_postcode, go_on, link_for
from tests.world import World, add_resident

pytestmark = pytest.mark.browser

CHECK = "Check your answers"
# the heading of each question, and its answer
QUESTIONS: Sequence[tuple[str, Callable[[Page], object]]] = (
    ("What is your postcode?", lambda page: page.get_by_label("What is your postcode?").fill("ZZ1 1AA")),
    ("Which topics do you want to follow?", lambda page: page.get_by_label("Bin collections").check()),
    ("How should we contact you?", lambda page: page.get_by_label("Email", exact=True).check()),
    ("What is your email address?", lambda page: page.get_by_label("Email address").fill("sam@example.org")),
    ("How do you want your emails?", lambda page: page.get_by_label("Once a day").check()),
    ("In which language do you want your alerts?", lambda page: page.get_by_label("Cymraeg").check()),
    ("May we count what you read?", lambda page: page.get_by_label("Yes, you may note").check()),
)


@pytest.fixture
def phone(driver: Playwright) -> Mapping[str, object]:
    return {name: value for name, value in driver.devices["Pixel 7"].items() if name != "default_browser_type"}


def is_at(page: Page, heading: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)


def walk(page: Page) -> None:
    page.goto("/sign-up")
    for heading, answer in QUESTIONS:
        is_at(page, heading)
        answer(page)
        go_on(page)
    is_at(page, CHECK)


def messages() -> int:
    with transaction() as session:
        return len(session.exec(select(ServiceMessage.id)).all())


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_back_forward_and_reload_keep_every_answer(
    new_page: NewPage, world: World, phone: Mapping[str, object], scripts: bool
) -> None:
    page = new_page(**phone, java_script_enabled=scripts)
    page.goto("/sign-up")
    for number, (heading, answer) in enumerate(QUESTIONS):
        answer(page)
        go_on(page)
        page.go_back()
        is_at(page, heading)
        page.reload()
        is_at(page, heading)
        page.go_forward()
        is_at(page, [*(asked for asked, _answer in QUESTIONS), CHECK][number + 1])
        page.reload()
    for heading, _answer in reversed(QUESTIONS):
        page.go_back()
        is_at(page, heading)
    page.goto("/sign-up/check")
    for said in ("ZZ1 1AA", "Bin collections", "sam@example.org", "Once a day", "Cymraeg", "Yes, you may"):
        expect(page.get_by_role("main")).to_contain_text(said)
    page.get_by_role("button", name="Agree and sign up").click()
    is_at(page, "Check your email")
    page.reload()
    is_at(page, "Check your email")
    page.go_back()
    is_at(page, CHECK)
    expect(page.get_by_role("main")).to_contain_text("You have already signed up with these answers")
    page.go_forward()
    is_at(page, "Check your email")
    assert messages() == 1


def test_an_error_is_no_stop_on_the_way_back(new_page: NewPage, world: World, phone: Mapping[str, object]) -> None:
    page = new_page(**phone)
    ask_postcode(page, world)
    go_on(page)  # nothing chosen
    expect(page).to_have_title("Error: Which topics do you want to follow? – Council alerts")
    page.get_by_label("Bin collections").check()
    go_on(page)
    is_at(page, "How should we contact you?")
    for _step in range(2):
        page.go_back()
        is_at(page, "Which topics do you want to follow?")
        assert page.get_by_label("Bin collections").is_checked()


def test_two_tabs_are_one_sign_up(new_page: NewPage, world: World, phone: Mapping[str, object]) -> None:
    page = new_page(**phone)
    walk(page)
    other = page.context.new_page()
    other.goto("/sign-up/topics")
    other.get_by_label("Road closures").check()
    go_on(other)
    page.get_by_role("button", name="Agree and sign up").click()
    is_at(page, CHECK)
    expect(page.get_by_role("main")).to_contain_text("changed in another tab")
    page.get_by_role("button", name="Agree and sign up").click()
    is_at(page, "Check your email")
    with transaction() as session:
        assert len(session.exec(select(Subscription.id)).all()) == 2


def test_a_double_press_signs_up_once(new_page: NewPage, world: World, phone: Mapping[str, object]) -> None:
    page = new_page(**phone)
    walk(page)
    version = page.locator("input[name=version]").input_value()
    press = "version => Promise.all([1, 2].map(() => fetch('/sign-up', {method: 'POST', "
    press += "body: new URLSearchParams({version})}).then(reply => reply.url)))"
    assert {address.rpartition("/")[2] for address in page.evaluate(press, version)} == {"sent"}
    assert messages() == 1


def test_a_couple_with_one_number_get_a_message_each(
    new_page: NewPage, world: World, phone: Mapping[str, object]
) -> None:
    add_resident(world, "bob@example.org", phone="07700 900201", topics=["bins"])
    page = new_page(**phone)
    ask_postcode(page, world)
    page.get_by_label("Road closures").check()
    go_on(page)
    page.get_by_label("Email", exact=True).check()
    page.get_by_label("Text message").check()
    go_on(page)
    page.get_by_label("Email address").fill("ann@example.org")
    page.get_by_label("UK mobile number").fill("07700 900201")
    for _question in ("addresses", "emails", "language", "counting"):
        go_on(page)
    page.get_by_role("button", name="Agree and sign up").click()
    is_at(page, "Check your messages")
    with transaction() as session:
        written = select(Contact.address).join(ServiceMessage, ServiceMessage.contact_id == Contact.id)  # type: ignore[arg-type]
        assert set(session.exec(written)) == {"ann@example.org", "+447700900201"}


def test_a_forwarded_confirmation_tells_another_person_nothing(
    new_page: NewPage, world: World, phone: Mapping[str, object]
) -> None:
    page = new_page(**phone)
    walk(page)
    page.get_by_role("button", name="Agree and sign up").click()
    is_at(page, "Check your email")
    address = f"/confirm/{link_for('sam@example.org', ServiceMessageKind.CONFIRM)}"
    page.goto(address)
    page.get_by_role("button").click()
    is_at(page, "You are signed up")
    page.reload()
    is_at(page, "You are already signed up")
    other = new_page(**phone)
    other.goto(address)
    is_at(other, "You are already signed up")
    for told in ("sam@example.org", "Bin collections", "ZZ1"):
        expect(other.get_by_role("main")).not_to_contain_text(told)
    other.get_by_role("link", name="sign up yourself").click()
    is_at(other, "What is your postcode?")


def test_who_returns_or_stopped_sees_what_everyone_sees(
    new_page: NewPage, world: World, phone: Mapping[str, object]
) -> None:
    seen = set()
    for known in (False, True):
        if known:
            with transaction() as session:
                session.execute(text("DELETE FROM service_message; DELETE FROM subscriber"))
            add_resident(world, "sam@example.org", topics=["bins"])
        page = new_page(**phone)
        walk(page)
        page.get_by_role("button", name="Agree and sign up").click()
        is_at(page, "Check your email")
        seen.add(page.content())
        assert messages() == 1
    assert len(seen) == 1
