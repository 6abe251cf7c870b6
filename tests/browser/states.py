"""Every page in every state it can be in: how to get there from a page of a browser that has never been here."""

from collections.abc import Callable, Mapping
from uuid import UUID

from playwright.sync_api import Page
from sqlmodel import col, select, update

from notify.alerts.models import Alert, AlertState
from notify.core import clock
from notify.core.db import transaction
from notify.deliveries import fan_out
from notify.deliveries.message_content import unsubscribe_token
from notify.staff import service as staff
from notify.staff.models import Officer, Role
from notify.subscribers import links
from notify.subscribers.models import Contact, ServiceMessageKind
from tests.browser.bin_states import BINS
from tests.browser.desk_states import WRITING
from tests.browser.emergency_states import IN_AN_EMERGENCY
from tests.browser.evidence_states import EVIDENCE
from tests.browser.export_states import LEAVING
from tests.browser.figures_states import FIGURES
from tests.browser.growth_states import GROWTH
from tests.browser.import_states import IMPORTS
from tests.browser.incident_states import INCIDENTS
from tests.browser.near_states import NEAR_ME
from tests.browser.notice_states import NOTICES
from tests.browser.operations_states import OPERATIONS
from tests.browser.performance_states import PERFORMANCE
from tests.browser.ready_states import READY
from tests.browser.record_states import RECORDS
from tests.browser.release_states import RELEASES
from tests.browser.staff_states import AT_THE_DESK, leave_a_place_open
from tests.browser.start_states import START
from tests.browser.topic_states import TOPICS
from tests.cap import messages as cap
from tests.subscribers.places import NEAR, add_county
from tests.world import NORTH, World, add_resident

SQUARE = {
    "type": "Polygon",
    "coordinates": [[[0.31, 52.96], [0.35, 52.96], [0.36, 52.975], [0.35, 52.99], [0.31, 52.99], [0.31, 52.96]]],
}
Way = Callable[[Page, World], None]


def link_for(address: str, purpose: ServiceMessageKind) -> str:
    """The secret part of a link, as a message to this address would hold it."""
    with transaction() as session:
        contact = session.exec(select(Contact).where(Contact.address == address)).one()
        return links.issue_link(session, contact.id, purpose)


def ask_postcode(page: Page, world: World, postcode: str = "ZZ1 1AA") -> None:
    """The first step, filled in."""
    page.goto("/sign-up")
    page.get_by_label("What is your postcode?").fill(postcode)
    page.get_by_role("button", name="Continue").click()


def go_on(page: Page) -> None:
    """Answered: the next question, please."""
    page.get_by_role("button", name="Continue").click()


def sign_up_to(step: str) -> Way:
    """One question of the sign-up, for two councils near a boundary; the ones before it are answered."""

    def go(page: Page, world: World) -> None:
        add_county()
        ask_postcode(page, world, NEAR)
        for name, answered in ANSWERS.items():
            if name == step:
                return
            answered(page)
            go_on(page)

    return go


def faulty(step: str) -> Way:
    """The question unanswered, and so asked again."""

    def go(page: Page, world: World) -> None:
        sign_up_to(step)(page, world)
        go_on(page)

    return go


def _contacts(page: Page) -> None:
    page.get_by_label("Email address").fill("sam@example.org")
    page.get_by_label("UK mobile number").fill("07700 900123")


def _ways(page: Page) -> None:
    page.get_by_label("Email", exact=True).check()
    page.get_by_label("Text message").check()


ANSWERS: Mapping[str, Callable[[Page], None]] = {
    "ward": lambda page: page.get_by_label("Southside").check(),
    "topics": lambda page: page.get_by_label("Bin collections").check(),
    "channels": _ways,
    "contacts": _contacts,
    "emails": lambda page: page.get_by_label("Once a day").check(),
    "language": lambda page: page.get_by_label("English").check(),
    "counting": lambda page: None,
    "check": lambda page: None,
}


def signed_up(page: Page, world: World) -> None:
    """After the last page."""
    sign_up_to("check")(page, world)
    page.get_by_role("button", name="Agree and sign up").click()


def contacts_in_welsh(page: Page, world: World) -> None:
    """Faults in the other language."""
    sign_up_to("contacts")(page, world)
    page.get_by_role("link", name="Cymraeg").click()
    page.get_by_role("button", name="Parhau").click()


def code_not_right(page: Page, world: World) -> None:
    """Digits that were never sent."""
    page.goto("/confirm-code")
    page.get_by_label("Your number").fill("07700 900123")
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Confirm my number").click()


def stop(page: Page, world: World) -> None:
    """Which messages shall stop? As the link in a mail asks."""
    alert_id = new_alert(page, world)
    add_resident(world, "sam@example.org", topics=["road-closures"])
    with transaction() as session:
        contact = session.exec(select(Contact).where(Contact.address == "sam@example.org")).one()
        token = unsubscribe_token(contact.id, alert_id)
    page.goto(f"/u/{token}")


def stopped(page: Page, world: World) -> None:
    """They have."""
    stop(page, world)
    page.get_by_role("button").click()


def confirm(page: Page, world: World) -> None:
    """The page that a confirmation link leads to."""
    add_resident(world, "sam@example.org", confirm=True)
    page.goto(f"/confirm/{link_for('sam@example.org', ServiceMessageKind.CONFIRM)}")


def confirmed(page: Page, world: World) -> None:
    """After its button."""
    confirm(page, world)
    page.get_by_role("button").click()


def link_sent(page: Page, world: World) -> None:
    """A link was asked for."""
    page.goto("/manage")
    page.get_by_label("Email address or mobile number").fill("sam@example.org")
    page.get_by_role("button").click()


def link_not_sent(page: Page, world: World) -> None:
    """A link was asked for, for no address at all."""
    page.goto("/manage")
    page.get_by_role("button").click()


def my(page: Page, world: World) -> None:
    """A resident's choices."""
    add_county()
    add_resident(world, "sam@example.org", phone="07700 900001", postcodes=["ZZ1 1AA", "ZZ2 1AA"], name="Sam")
    page.goto(f"/manage/{link_for('sam@example.org', ServiceMessageKind.SIGN_IN)}")
    page.get_by_role("button", name="Show my alerts").click()
    page.wait_for_url("**/my*")  # a test that asks for another page meanwhile stops this one


def my_badly(page: Page, world: World) -> None:
    """A resident's choices with faults."""
    my(page, world)
    page.goto("/my/change/contacts")
    page.get_by_label("By email: sam@example.org").uncheck()
    page.get_by_label("By text message").uncheck()
    page.get_by_role("button", name="Save").click()


def my_saved(page: Page, world: World) -> None:
    """A resident's choices, stored."""
    my(page, world)
    page.get_by_role("link", name="Change Topics").click()
    page.get_by_role("button", name="Save").click()


def my_data(page: Page, world: World) -> None:
    """Everything held."""
    my(page, world)
    page.goto("/my/data")


def sent(page: Page, world: World) -> None:
    """What was sent, of which nothing was handed over yet."""
    my(page, world)
    new_alert(page, world, send=True)
    with transaction() as session:
        fan_out.expand(session, session.exec(select(Alert.id)).one())
    page.get_by_role("link", name="What we sent you").click()


def nothing_sent(page: Page, world: World) -> None:
    """Nothing was sent."""
    my(page, world)
    page.get_by_role("link", name="What we sent you").click()


def moving(page: Page, world: World) -> None:
    """Where has a place moved to?"""
    my(page, world)
    page.get_by_role("link", name="Move Home").first.click()


def quiet(page: Page, world: World) -> None:
    """Quiet hours."""
    my(page, world)
    page.get_by_role("link", name="Change Quiet hours").click()


def quiet_badly(page: Page, world: World) -> None:
    """Hours without an end."""
    quiet(page, world)
    page.get_by_label("From").select_option("21:00")
    page.get_by_role("button", name="Save my hours").click()


def emails(page: Page, world: World) -> None:
    """When shall e-mails come?"""
    my(page, world)
    page.get_by_role("link", name="Change Your emails").click()


def pausing(page: Page, world: World) -> None:
    """Until when shall nothing be sent?"""
    my(page, world)
    page.get_by_role("link", name="Change Pause").click()


def pausing_badly(page: Page, world: World) -> None:
    """Paused, and then asked for a day that is none."""
    pausing(page, world)
    page.get_by_label("When should your alerts start again?").fill(f"1 jan {clock.now().year + 1}")
    page.get_by_role("button", name="Pause my alerts").click()
    page.get_by_role("link", name="Change Pause").click()
    page.get_by_role("button", name="Pause my alerts").click()


def moving_near_a_boundary(page: Page, world: World) -> None:
    """And in which ward is it now?"""
    moving(page, world)
    page.get_by_label("New postcode").fill(NEAR)
    page.get_by_role("button", name="Move").click()
    page.get_by_role("button", name="Move").click()


def my_place_to_check(page: Page, world: World) -> None:
    """A place that a release left open."""
    my(page, world)
    leave_a_place_open()
    page.reload()


def my_in_welsh(page: Page, world: World) -> None:
    """A resident's choices in the other language."""
    my(page, world)
    page.goto("/my?lang=cy")


def leaving(page: Page, world: World) -> None:
    """What erasing means."""
    my(page, world)
    page.get_by_role("link", name="Leave and erase your details").click()


def my_at(path: str) -> Way:
    """One page of a resident's own."""

    def go(page: Page, world: World) -> None:
        my(page, world)
        page.goto(path)

    return go


def topic_places(page: Page, world: World) -> None:
    """Where is a topic wanted?"""
    my(page, world)
    page.get_by_role("link", name="Choose places").click()


def my_changed(page: Page, world: World) -> None:
    """Another tab was faster."""
    my(page, world)
    page.goto("/my/change/topics")
    other = page.context.new_page()
    other.goto("/my/change/topics")
    other.get_by_label("Bin collections").check()
    other.get_by_role("button", name="Save").click()
    other.close()
    page.get_by_role("button", name="Save").click()


def removing(page: Page, world: World) -> None:
    """A place that is to go."""
    my(page, world)
    page.get_by_role("link", name="Remove Home").first.click()


def already_signed_up(page: Page, world: World) -> None:
    """A confirmation that was used."""
    signed_up(page, world)
    page.goto(f"/confirm/{link_for('sam@example.org', ServiceMessageKind.CONFIRM)}")
    address = page.url
    page.get_by_role("button").click()
    page.goto(address)


def draft_lost(page: Page, world: World) -> None:
    """A question without the answers before it."""
    page.goto("/sign-up/contacts")


def not_sure(page: Page, world: World) -> None:
    """Erasing without the tick."""
    leaving(page, world)
    page.get_by_role("button", name="Erase everything").click()


def erased(page: Page, world: World) -> None:
    """Nothing left."""
    leaving(page, world)
    page.get_by_label("Yes, erase everything about me").check()
    page.get_by_role("button", name="Erase everything").click()


def officer_link(world: World) -> str:
    """The secret part of an officer's sign-in link."""
    with transaction() as session:
        officer: Officer = staff.create_officer(
            session, council_id=world.council_id, email="kim@example.org", name="Kim", role=Role.APPROVER
        )
        return staff.create_sign_in_link(session, officer.id)


def staff_home(page: Page, world: World) -> None:
    """The officer's list, empty."""
    page.goto(f"/staff/sign-in/{officer_link(world)}")
    page.get_by_role("button", name="Sign in").click()


def assisting(page: Page, world: World) -> None:
    """Everything about a resident on the telephone."""
    staff_home(page, world)
    page.get_by_role("link", name="Sign up a resident", exact=True).click()
    page.get_by_label("Their postcode").fill("ZZ1 1AA")
    go_on(page)


def assisting_badly(page: Page, world: World) -> None:
    """Nothing filled in."""
    assisting(page, world)
    page.get_by_role("button", name="Sign them up").click()


def assisted(page: Page, world: World) -> None:
    """Signed up."""
    assisting(page, world)
    page.get_by_label("Bin collections").check()
    page.get_by_label("UK mobile number").fill("07700 900123")
    page.get_by_label("They agreed to the words in English").check()
    page.get_by_label("On the telephone").check()
    page.get_by_role("button", name="Sign them up").click()


def new_alert(page: Page, world: World, **more: object) -> UUID:
    """An alert made through the API."""
    words = {"title": "Mill Road closed on Sunday", "body": "Closed 8 to 6.\n\nUse the bus."}
    alert = {"topic": "road-closures", **words, **more}
    headers = world.headers | {"Idempotency-Key": "1"}
    answer = page.request.post("/api/v1/alerts", data=alert, headers=headers)
    assert answer.status == 201, answer.text()
    return UUID(answer.json()["id"])


def staff_alerts(page: Page, world: World) -> None:
    """The officer's list with an alert."""
    new_alert(page, world)
    staff_home(page, world)


def staff_alert(page: Page, world: World) -> None:
    """One alert."""
    alert = new_alert(page, world)
    staff_home(page, world)
    page.goto(f"/staff/alerts/{alert}")


def ask_for_cap(page: Page, world: World) -> None:
    """The form for a CAP message."""
    staff_home(page, world)
    page.get_by_role("link", name="Make a draft of a CAP message").click()


def upload_cap(page: Page) -> None:
    """A message whose outline is open."""
    now = f"{clock.now():%Y-%m-%dT%H:%M:%S}-00:00"
    later = f"{clock.now().year + 1}-01-01T00:00:00-00:00"
    xml = cap.message(sent=now, polygon=cap.SQUARE.rpartition(" ")[0]).replace(cap.EXPIRES, later)
    file = {"name": "message.xml", "mimeType": "application/xml", "buffer": xml.encode()}
    page.get_by_label("The message").set_input_files(file)  # type: ignore[arg-type]
    page.get_by_role("button", name="Make a draft").click()


def cap_refused(page: Page, world: World) -> None:
    """It is refused."""
    ask_for_cap(page, world)
    upload_cap(page)


def cap_mended(page: Page, world: World) -> None:
    """It is closed and makes a draft."""
    ask_for_cap(page, world)
    page.get_by_label("Repair simple errors").check()
    upload_cap(page)


def publish(page: Page, world: World) -> UUID:
    """An emergency with an area that went out, and a routine alert beside it; the emergency's id."""
    routine = new_alert(page, world)
    emergency = {
        "topic": "emergencies",
        "priority": "emergency",
        "title": "Flood: move to higher ground",
        "body": "The river is over its banks at Mill Road.\n\nGo to the school on the hill. Take medicines with you.",
        "audience": {"polygon": SQUARE, "wards": [NORTH]},
    }
    answer = page.request.post("/api/v1/alerts", data=emergency, headers=world.headers | {"Idempotency-Key": "2"})
    assert answer.status == 201, answer.text()
    urgent = UUID(answer.json()["id"])
    with transaction() as session:  # as the worker leaves them; sending is other tests' business
        went_out = update(Alert).where(col(Alert.id).in_([routine, urgent]))
        session.execute(went_out.values(state=AlertState.SENT, approved_at=clock.now(), expanded_at=clock.now()))
    return urgent


def published(path: str) -> Way:
    """A public page while two alerts hold; `{}` in the path is the emergency's id."""

    def go(page: Page, world: World) -> None:
        page.goto(path.format(publish(page, world)))

    return go


def at(path: str) -> Way:
    """A page that is there for everybody."""

    def go(page: Page, world: World) -> None:
        page.goto(path)

    return go


STATES: Mapping[str, Way] = {
    "home": at("/"),
    **NEAR_ME,
    "postcode": at("/sign-up"),
    "postcode-faulty": lambda page, world: ask_postcode(page, world, "nowhere"),
    **{
        step: sign_up_to(step)
        for step in ("ward", "topics", "channels", "contacts", "emails", "language", "counting", "check")
    },
    **{f"{step}-faulty": faulty(step) for step in ("ward", "topics", "channels", "contacts")},
    "contacts-faulty-welsh": contacts_in_welsh,
    "signed-up": signed_up,
    "home-welsh": at("/?lang=cy"),
    "code": at("/confirm-code"),
    "code-faulty": code_not_right,
    "stop": stop,
    "stopped": stopped,
    "confirm": confirm,
    "confirmed": confirmed,
    "manage": at("/manage"),
    "manage-faulty": link_not_sent,
    "link-sent": link_sent,
    "sign-in": at("/manage/abc"),
    "my": my,
    "my-faulty": my_badly,
    "my-topics": my_at("/my/change/topics"),
    "my-contacts": my_at("/my/change/contacts"),
    "my-place": my_at("/my/change/place"),
    "my-remove": removing,
    "my-name": my_at("/my/change/name"),
    "my-language": my_at("/my/change/language"),
    "my-counting": my_at("/my/change/counting"),
    "my-changed": my_changed,
    "my-topic-places": topic_places,
    "my-stop": my_at("/my/stop"),
    "my-leave": leaving,
    "already-signed-up": already_signed_up,
    "sign-up-lost": draft_lost,
    "my-saved": my_saved,
    "my-welsh": my_in_welsh,
    "my-check-place": my_place_to_check,
    "my-data": my_data,
    "my-sent": sent,
    "my-sent-empty": nothing_sent,
    "my-quiet": quiet,
    "my-quiet-faulty": quiet_badly,
    "my-emails": emails,
    "my-pause": pausing,
    "my-pause-faulty": pausing_badly,
    "my-move": moving,
    "my-move-faulty": moving_near_a_boundary,
    "my-not-sure": not_sure,
    "erased": erased,
    "signed-out": at("/my"),
    "not-found": at("/nowhere"),
    "staff-sign-in": at("/staff/sign-in"),
    **RECORDS,
    **IMPORTS,
    **RELEASES,
    **AT_THE_DESK,
    **WRITING,
    **IN_AN_EMERGENCY,
    **LEAVING,
    **EVIDENCE,
    **NOTICES,
    **BINS,
    **START,
    **FIGURES,
    **GROWTH,
    **PERFORMANCE,
    **TOPICS,
    **OPERATIONS,
    **READY,
    **INCIDENTS,
    "staff-link": at("/staff/sign-in/abc"),
    "staff-empty": staff_home,
    "staff-alerts": staff_alerts,
    "staff-alert": staff_alert,
    "staff-sign-up": assisting,
    "staff-sign-up-faulty": assisting_badly,
    "staff-signed-up": assisted,
    "staff-cap": ask_for_cap,
    "staff-cap-faulty": cap_refused,
    "staff-cap-read": cap_mended,
    "alerts": published("/alerts"),
    "alerts-empty": at("/alerts"),
    "alerts-welsh": published("/alerts?lang=cy"),
    "alert": published("/alerts/{}"),
    "topics-public": at("/topics"),
    "poster": at("/poster"),
    "privacy": at("/privacy"),
    "accessibility": at("/accessibility"),
    "accessibility-welsh": at("/accessibility?lang=cy"),
    "docs": at("/api/docs"),
}
