"""The steps of a resident's journey through the pages, as a browser without scripts would take them."""

from httpx import Response
from litestar import Litestar
from litestar.testing import TestClient
from sqlmodel import select

from notify.core.db import transaction
from notify.subscribers import links
from notify.subscribers.models import Contact, ServiceMessageKind, Topic
from tests.subscribers.html import Page, broken_anchors

Client = TestClient[Litestar]
BROWSER = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}


def topic_ids(*slugs: str) -> list[str]:
    with transaction() as session:
        return [str(session.exec(select(Topic.id).where(Topic.slug == slug)).one()) for slug in slugs]


def link_for(address: str, purpose: ServiceMessageKind) -> str:
    """A link as a message would hold it; messages are another test's business."""
    with transaction() as session:
        contact = session.exec(select(Contact).where(Contact.address == address)).one()
        return links.issue_link(session, contact.id, purpose)


def sign_up(client: Client, **changes: object) -> Response:
    fields: dict[str, object] = {"postcode": "ZZ1 1AA", "topic": topic_ids("bins"), "email": "sam@example.org"}
    return client.post("/sign-up", data=fields | changes, headers=BROWSER, follow_redirects=True)


def answer_question(client: Client, step: str, **given: object) -> Page:
    """Answer one question of sign-up; the page that follows, or the same where the answer will not do."""
    reply = client.post(f"/sign-up/{step}", data=given, headers=BROWSER, follow_redirects=True)
    found = Page(reply.text)
    assert not broken_anchors(found)
    assert (reply.status_code == 422) == found.title.startswith(("Error: ", "Gwall: ")), reply.text
    return found


def agree(client: Client, page: Page, **given: object) -> Page:
    """Press the button of the page that shows all answers."""
    fields = {"version": page.fields["version"], **given}
    return Page(client.post("/sign-up", data=fields, headers=BROWSER, follow_redirects=True).text)


def sign_in(client: Client, address: str) -> None:
    answer = client.post(f"/manage/{link_for(address, ServiceMessageKind.SIGN_IN)}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/my")


def change_my(client: Client, question: str, *, place: object = "", **given: object) -> Response:
    """Open one question of a resident's own and answer it; what is not `given` stays as the page shows it."""
    shown = Page(client.get(f"/my/change/{question}", params={"place": str(place)} if place else {}).text).fields
    return client.post(f"/my/change/{question}", data=shown | given)
