"""Pages that links in messages lead to: unsubscribe and reply. Opening a link changes nothing."""

from collections.abc import Sequence
from urllib.parse import parse_qs

from litestar import Response, post
from litestar.params import FromPath, RawBody
from litestar.types import ControllerRouterHandler

from notify.alerts.publishing.page_addresses import page_path
from notify.core.db import transaction
from notify.deliveries.models import Answer
from notify.staff.council_settings import look
from notify.tracking import replies, service
from notify.web.forms import read_form
from notify.web.routes import page_get, page_post
from notify.web.templates import page

LONGEST_CHOICE = 1000


@page_get("/u/{token:str}")
def unsubscribe_page(token: FromPath[str]) -> Response[object]:
    """Asks what to stop; scanners that follow links stop nothing."""
    with transaction() as session:
        leaving = service.read_leaving(session, token)
        council_name = look.wear(session, leaving.topics[0].council_id).spoken_name
    return page(
        "unsubscribe/unsubscribe.html",
        topic_name=leaving.topic_names,
        council_name=council_name,
        channel=leaving.contact.channel if leaving.contact else "email",
        token=token,
    )


@post("/u/{token:str}", status_code=200, request_max_body_size=100_000, sync_to_thread=True, include_in_schema=False)
def unsubscribe(token: FromPath[str], body: RawBody) -> Response[object]:
    """Stop one topic or all. Also the one-click route of RFC 8058: any body, no cookie, no login, safe to repeat."""
    with transaction() as session:
        leaving = service.read_leaving(session, token)
        scope = _chosen(body)
        all_topics, source = scope == "all", "page" if scope else "one-click"
        service.leave(session, leaving, all_topics=all_topics, source=source)
        look.wear(session, leaving.topics[0].council_id)
    return page(
        "unsubscribe/unsubscribed.html",
        topic_name=None if all_topics else leaving.topic_names,
        channel=leaving.contact.channel if leaving.contact else "email",
    )


def _chosen(body: bytes) -> str:
    """What the button of our page says; empty for a mail program, which may send anything at all."""
    form = parse_qs(body[:LONGEST_CHOICE].decode("utf-8", "replace"))
    return form.get("scope", [""])[0]


@page_get("/x/{token:str}")
def ask_to_stop_texts(token: FromPath[str]) -> Response[object]:
    """The short link of a text that nobody can answer: a button, because scanners follow links."""
    service.read_stopping(token)
    return page("unsubscribe/stop-texts.html", token=token)


@page_post("/x/{token:str}")
def stop_texts(token: FromPath[str]) -> Response[object]:
    """Stop all texts to this number, as the answer STOP would. Safe to repeat."""
    with transaction() as session:
        service.stop_texts(session, service.read_stopping(token))
    return page("unsubscribe/unsubscribed.html", topic_name=None, channel="sms")


@page_get("/r/{token:str}")
def ask(token: FromPath[str]) -> Response[object]:
    """Are you safe? Scanners that follow links answer nothing."""
    with transaction() as session:
        asked = replies.asked_by(session, token)
        look.wear(session, asked.alert.council_id)
        path = page_path(session, asked.alert)
    return page("replies/reply.html", asked=asked, alert=asked.alert, token=token, page_path=path)


@page_post("/r/{token:str}")
def reply(token: FromPath[str], body: RawBody) -> Response[object]:
    """Note the answer. Safe to repeat; another answer takes its place."""
    said = read_form(body).one("answer")
    with transaction() as session:
        asked = replies.asked_by(session, token)
        look.wear(session, asked.alert.council_id)
        path = page_path(session, asked.alert)
        if said not in set(Answer):
            return page("replies/reply.html", asked=asked, alert=asked.alert, token=token, page_path=path)
        replies.take_answer(session, asked, Answer(said))
    return page("replies/replied.html", asked=asked, alert=asked.alert, token=token, answer=said, page_path=path)


HANDLERS: Sequence[ControllerRouterHandler] = (unsubscribe_page, unsubscribe, ask_to_stop_texts, stop_texts, ask, reply)
