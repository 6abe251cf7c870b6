"""API routes of subscribers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import Response, delete, get, patch, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency, Provide
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.types import ControllerRouterHandler

from notify.core import clock
from notify.core.db import transaction
from notify.core.errors import Invalid
from notify.staff.guards import Requires, RequiresLive, Right
from notify.staff.read_quota import note_reading
from notify.staff.routes import StaffRequest
from notify.subscribers import erasure, queries, service, test_people
from notify.subscribers.imports import service as imports_service
from notify.subscribers.imports.csv_file import FileNotReadable, read_rows
from notify.subscribers.imports.enrolment import EnrolStatus
from notify.subscribers.models import ConsentEvidence, SubscriberChange, SubscriberRequest
from notify.subscribers.records.access import open_record
from notify.subscribers.views import ImportView, SubscriberAdded, SubscriberPage, SubscriberView
from notify.web.api_document import answers

Limit = Annotated[int, QueryParameter(ge=1, le=500, description="How many at most.")]
ChangedSince = Annotated[datetime | None, QueryParameter(description="Only what changed at or after this moment.")]

CSV_TYPES = frozenset(
    {"text/csv", "text/plain", "application/csv", "application/vnd.ms-excel", "application/octet-stream", ""}
)
MAX_IMPORT_BYTES = 30_000_000  # 100,000 residents and more


class MomentWithoutZone(Invalid):
    """A moment that could mean two."""

    title = "The moment has no time zone"


class ConsentInTheFuture(Invalid):
    """A consent that nobody has given yet."""

    title = "The consent lies in the future"


@post(
    "/subscribers",
    guards=[Requires(Right.CHANGE_SUBSCRIBERS)],
    sync_to_thread=True,
    tags=["subscribers"],
    responses=answers(200, SubscriberAdded, "A subscriber you had; places or topics were added."),
)
def add_subscriber(request: StaffRequest, data: JSONBody[SubscriberRequest]) -> Response[SubscriberAdded]:
    """Add one resident with the evidence of their consent: 201 when new, 200 when places or topics were added.

    An address that your council has already keeps its resident; name and language stay as they are. A further address
    of theirs is used once they say yes to it. Consent has an order: who had left gets nothing before their own yes,
    unless `consent.given_at` is later, and who was erased is refused. What other councils hold makes no difference.
    A test key adds people with addresses of the sandbox only.
    """
    with transaction() as session:
        user = request.user
        asked = test_people.asked_by(session, user, data)
        outcome = service.add_subscriber(session, council_id=user.council_id, actor=user.actor, request=asked)
    added = SubscriberAdded.model_validate(
        {
            "id": outcome.subscriber_id,
            "status": outcome.status,
            "needs_review": outcome.needs_review,
            "webhook_secrets": outcome.secrets,
            "waiting": outcome.waiting,
            "asked": outcome.asked,
            "had_unsubscribed": outcome.had_unsubscribed,
            "notes": outcome.notes,
        }
    )
    return Response(added, status_code=201 if outcome.status == EnrolStatus.CREATED else 200)


async def uploaded_file(request: StaffRequest) -> bytes:
    """The file of this request: its whole body, or the field `file` of a multipart form. Raises: FileNotReadable."""
    kind = request.content_type[0]
    if kind == "multipart/form-data":
        upload = (await request.form()).get("file")
        if not isinstance(upload, UploadFile):
            raise FileNotReadable("Send the file in the field `file`.")
        return await upload.read()
    if kind not in CSV_TYPES:
        raise FileNotReadable("Send the file as `text/csv`, or in the field `file` of a multipart form.")
    return await request.body()


@dataclass
class ImportOperation(Operation):
    """The import's documentation: its body is a file, which no type of ours describes."""

    def __post_init__(self) -> None:
        csv_text = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING, description="A CSV file with a header."))
        upload = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
        form = OpenAPIMediaType(schema=Schema(type=OpenAPIType.OBJECT, properties={"file": upload}, required=["file"]))
        self.request_body = RequestBody({"text/csv": csv_text, "multipart/form-data": form}, required=True)


@post(
    "/subscribers/import",
    guards=[RequiresLive(Right.CHANGE_MANY_SUBSCRIBERS)],
    status_code=200,
    sync_to_thread=True,
    tags=["subscribers"],
    request_max_body_size=MAX_IMPORT_BYTES,
    dependencies={"csv_file": Provide(uploaded_file)},
    operation_class=ImportOperation,
)
def import_subscribers(
    request: StaffRequest,
    csv_file: NamedDependency[bytes],
    wording_version: Annotated[str, QueryParameter(min_length=1, max_length=80, description="What they agreed to.")],
    consent_source: Annotated[str, QueryParameter(min_length=1, max_length=80, description="Such as `paper form`.")],
    wording: Annotated[str | None, QueryParameter(max_length=4000, description="Needed if the version is new.")] = None,
    consent_language: Annotated[str, QueryParameter(max_length=10)] = "en",
    given_at: Annotated[
        datetime | None, QueryParameter(description="When they agreed, for rows that do not say it.")
    ] = None,
    topics: Annotated[str, QueryParameter(description="Slugs, if the file has no such column.")] = "",
    confirm: Annotated[bool, QueryParameter(description="Write to each first and wait for their yes.")] = False,
) -> ImportView:
    """Add many residents from a CSV file, all in one transaction, with a report row by row.

    Columns in any order: name, email, phone, landline (called, where a voice provider is set), webhook, postcode
    (several parted by `;`), ward, language, topics (parted by `;` or spaces), tracking_consent (yes or no), given_at
    (the day or moment of their consent). A header is needed; an unknown column refuses the file.

    A consent without a moment is older than any withdrawal: who had left is asked once, and who was erased is refused.
    """
    evidence = ConsentEvidence(
        wording_version=wording_version,
        wording=wording,
        language=consent_language,
        source=consent_source,
        given_at=_past(given_at),
    )
    rows = read_rows(csv_file, default_topics=topics.replace(";", " ").replace(",", " ").split())
    with transaction() as session:
        report = imports_service.import_subscribers(
            session,
            council_id=request.user.council_id,
            actor=request.user.actor,
            rows=rows,
            evidence=evidence,
            confirmed=not confirm,
        )
    return ImportView.model_validate(report, from_attributes=True)


@get("/subscribers", guards=[Requires(Right.SEE_SUBSCRIBERS)], sync_to_thread=True, tags=["subscribers"])
def list_subscribers(
    request: StaffRequest,
    limit: Limit = 100,
    after: Annotated[UUID | None, QueryParameter(description="`next` of the page before.")] = None,
    changed_since: ChangedSince = None,
) -> SubscriberPage:
    """Your council's residents, in the order they came."""
    with transaction() as session:
        found = queries.council_records(
            session,
            request.user.council_id,
            after=after,
            changed_since=_aware(changed_since),
            limit=limit,
            only=test_people.whom(request.user),
        )
        note_reading(session, request.user, len(found), "list of subscribers")
    views = [SubscriberView.of(record) for record in found]
    return SubscriberPage(subscribers=views, next=views[-1].id if len(views) == limit else None)


@get(
    "/subscribers/{subscriber_id:uuid}",
    guards=[Requires(Right.SEE_ONE_SUBSCRIBER)],
    sync_to_thread=True,
    tags=["subscribers"],
)
def read_subscriber(request: StaffRequest, subscriber_id: FromPath[UUID]) -> SubscriberView:
    """One resident, with what they follow of your council."""
    with transaction() as session:
        return SubscriberView.of(open_record(session, request.user, subscriber_id))


@patch(
    "/subscribers/{subscriber_id:uuid}",
    guards=[Requires(Right.CHANGE_SUBSCRIBERS)],
    sync_to_thread=True,
    tags=["subscribers"],
)
def change_subscriber(
    request: StaffRequest, subscriber_id: FromPath[UUID], data: JSONBody[SubscriberChange]
) -> SubscriberView:
    """Change what is named; `places` and `topics` replace what was there, what is left out stays."""
    with transaction() as session:
        user = request.user
        open_record(session, user, subscriber_id)
        change = test_people.change_by(user, data)
        service.change_for_council(
            session, council_id=user.council_id, subscriber_id=subscriber_id, change=change, actor=user.actor
        )
        session.flush()
        session.expire_all()
        return SubscriberView.of(test_people.seen(session, user, subscriber_id))


@delete(
    "/subscribers/{subscriber_id:uuid}",
    guards=[Requires(Right.CHANGE_SUBSCRIBERS)],
    sync_to_thread=True,
    tags=["subscribers"],
)
def erase_subscriber(request: StaffRequest, subscriber_id: FromPath[UUID]) -> None:
    """Erase a resident: all that your council holds about them."""
    with transaction() as session:
        user = request.user
        open_record(session, user, subscriber_id)
        erasure.erase(session, subscriber_id=subscriber_id, actor=user.actor, is_rehearsal=user.is_test)


def _aware(moment: datetime | None) -> datetime | None:
    """The same moment. Raises: MomentWithoutZone when it does not say which clock it is on."""
    if moment is not None and moment.tzinfo is None:
        raise MomentWithoutZone("Write moments with their zone, such as 2026-12-01T18:00:00Z.")
    return moment


def _past(moment: datetime | None) -> datetime | None:
    """The same moment of a consent. Raises: MomentWithoutZone, ConsentInTheFuture."""
    if (aware := _aware(moment)) and aware > clock.now():
        raise ConsentInTheFuture("Consent cannot have been given in the future: check `given_at`.")
    return aware


HANDLERS: Sequence[ControllerRouterHandler] = (
    add_subscriber,
    import_subscribers,
    list_subscribers,
    read_subscriber,
    change_subscriber,
    erase_subscriber,
)
