"""The web application, put together from the routes of every feature."""

from litestar import Litestar, Router, get
from litestar.concurrency import sync_to_thread
from litestar.config.compression import CompressionConfig
from litestar.enums import HttpMethod, ScopeType
from litestar.exceptions import NotFoundException
from litestar.handlers import BaseRouteHandler
from litestar.static_files import create_static_files_router
from litestar.types import Message, Receive, Scope, Send

from notify import api_examples
from notify.alerts import api as alerts_api
from notify.alerts import late_alerts
from notify.alerts.publishing import banner, incident_pages, share_pages
from notify.alerts.publishing import pages as publishing_pages
from notify.call_list import api as call_attempts_api
from notify.call_list import at_risk_pages
from notify.call_list import pages as call_attempt_pages
from notify.cap import api as cap_api
from notify.cap import pages as cap_pages
from notify.core import logs, rendering
from notify.core.db import transaction
from notify.core.errors import Unauthenticated
from notify.core.private_files import keep_private
from notify.deliveries import api as deliveries_api
from notify.deliveries import my_data_pages, operations_pages, record_api, record_pages, webhook_receiver_api
from notify.drafting import api as drafting_api
from notify.drafting import (
    approval_pages,
    calendar_pages,
    cancel_pages,
    change_pages,
    emergency_pages,
    ended_area_pages,
    follow_up_pages,
    late_alert_pages,
    plan_api,
    plan_pages,
    recurrence_pages,
    template_pages,
    ward_map,
    zone_reach,
)
from notify.drafting import pages as drafting_pages
from notify.evidence import api as evidence_api
from notify.evidence import foi_pages, report_pages
from notify.exports import api as exports_api
from notify.exports import pages as exports_pages
from notify.exports import retention_pages, schedule_api, schedule_pages
from notify.guided_start import pages as guided_start_pages
from notify.incidents import api as incidents_api
from notify.incidents import debrief_pages
from notify.incidents import pages as incidents_pages
from notify.insight import api as insight_api
from notify.insight import pages as insight_pages
from notify.insight import performance_api
from notify.insight.alert import api as call_list_api
from notify.insight.alert import area_pages, live_pages, not_reached_pages
from notify.insight.alert import report_pages as alert_report_pages
from notify.insight.archive import api as archive_api
from notify.insight.archive import pages as archive_pages
from notify.insight.calls import pages as calls_pages
from notify.insight.costs import pages as costs_pages
from notify.insight.council import pages as council_pages
from notify.insight.growth import api as growth_api
from notify.insight.growth import pages as growth_pages
from notify.insight.indicators import pages as indicators_pages
from notify.insight.open_data import pages as open_data_pages
from notify.insight.open_data import publication_pages
from notify.insight.service_levels import pages as service_levels_pages
from notify.near_me import pages as near_me_pages
from notify.places import api as places_api
from notify.places import release_api, release_pages, shape_api
from notify.places.basemap import pages as basemap_pages
from notify.places.place_names import api as place_names_api
from notify.places.place_names import pages as place_names_pages
from notify.reorganisation import pages as reorganisation_pages
from notify.staff import api as staff_api
from notify.staff import audit_api, audit_pages, invitation_pages, menu, remit_choices, user_access_pages, user_pages
from notify.staff.council_settings import api as council_settings_api
from notify.staff.council_settings import look_pages, manifest_pages, settings_pages
from notify.staff.council_settings.look import visited
from notify.staff.guards import Authenticate
from notify.staff.rights import SecondFactorNeeded
from notify.staff.sign_in import pages as sign_in_pages
from notify.staff.sign_in import step_up
from notify.statutory_notices import api as statutory_notices_api
from notify.statutory_notices import pages as statutory_notices_pages
from notify.statutory_notices import staff_pages as statutory_notices_staff_pages
from notify.subscribers import api as subscribers_api
from notify.subscribers import pages as subscribers_pages
from notify.subscribers.imports import api as imports_api
from notify.subscribers.imports import pages as imports_pages
from notify.subscribers.inbound_texts import api as inbound_texts_api
from notify.subscribers.inbound_texts import pages as inbound_texts_pages
from notify.subscribers.my import change_pages as my_change_pages
from notify.subscribers.my import pages as my_pages
from notify.subscribers.my import topic_place_pages as my_topic_place_pages
from notify.subscribers.place_reviews import api as place_reviews_api
from notify.subscribers.place_reviews import pages as place_reviews_pages
from notify.subscribers.records import api as records_api
from notify.subscribers.records import change_pages as record_change_pages
from notify.subscribers.records import contact_pages as record_contact_pages
from notify.subscribers.records import pages as records_pages
from notify.subscribers.records import panels as record_panels
from notify.subscribers.sign_up import assisted_pages
from notify.subscribers.sign_up import pages as sign_up_pages
from notify.subscribers.suppression import api as suppression_api
from notify.subscribers.suppression import pages as suppression_pages
from notify.topics import api as topics_api
from notify.topics import ending_pages as topic_ending_pages
from notify.topics import pages as topics_pages
from notify.tracking import buffer, redirect_pages, unsubscribe_pages
from notify.waste import api as waste_api
from notify.waste import contractor_api as waste_contractor_api
from notify.waste import pages as waste_pages
from notify.waste import reminder_pages as waste_reminder_pages
from notify.waste import source_api as waste_source_api
from notify.waste import staff_change_pages as waste_staff_change_pages
from notify.waste import staff_pages as waste_staff_pages
from notify.waste import staff_source_pages as waste_staff_source_pages
from notify.waste import use
from notify.web import api_documentation, problem_pages, problems, request_ids, theme
from notify.web.api_document import document_config
from notify.web.api_rate_limits import LimitCallers, add_rate_limits
from notify.web.conditional import NameAnswers
from notify.web.format_suffixes import Application
from notify.web.forms import AnyConnection
from notify.web.headers import add_security_headers
from notify.web.rate_limits import LimitNetworks
from notify.web.request_ids import NameRoute, add_request_id
from notify.web.templates import name_emergencies_with
from notify.web.visitor_language import Greet
from notify.work_queue import api as work_queue_api
from notify.work_queue import pages as work_queue_pages
from notify.zones import api as zones_api
from notify.zones import page_parts as zone_page_parts
from notify.zones import pages as zones_pages

API = (
    statutory_notices_api,
    places_api,
    shape_api,
    place_names_api,
    release_api,
    staff_api,
    council_settings_api,
    audit_api,
    subscribers_api,
    records_api,
    imports_api,
    record_api,
    topics_api,
    suppression_api,
    place_reviews_api,
    inbound_texts_api,
    alerts_api,
    zones_api,
    work_queue_api,
    deliveries_api,
    webhook_receiver_api,
    insight_api,
    growth_api,
    cap_api,
    performance_api,
    exports_api,
    schedule_api,
    waste_api,
    waste_contractor_api,
    waste_source_api,
    drafting_api,
    plan_api,
    archive_api,
    call_list_api,
    call_attempts_api,
    evidence_api,
    incidents_api,
)
PAGES = (
    statutory_notices_pages,
    statutory_notices_staff_pages,
    release_pages,
    basemap_pages,
    place_names_pages,
    subscribers_pages,
    sign_up_pages,
    my_pages,
    my_change_pages,
    my_topic_place_pages,
    assisted_pages,
    records_pages,
    record_change_pages,
    record_contact_pages,
    record_pages,
    imports_pages,
    suppression_pages,
    place_reviews_pages,
    inbound_texts_pages,
    my_data_pages,
    operations_pages,
    publishing_pages,
    incident_pages,
    share_pages,
    sign_in_pages,
    look_pages,
    manifest_pages,
    settings_pages,
    cancel_pages,
    user_pages,
    invitation_pages,
    user_access_pages,
    audit_pages,
    topics_pages,
    topic_ending_pages,
    unsubscribe_pages,
    redirect_pages,
    approval_pages,
    follow_up_pages,
    late_alert_pages,
    ended_area_pages,
    drafting_pages,
    change_pages,
    emergency_pages,
    template_pages,
    plan_pages,
    work_queue_pages,
    zones_pages,
    insight_pages,
    cap_pages,
    archive_pages,
    calendar_pages,
    recurrence_pages,
    guided_start_pages,
    live_pages,
    area_pages,
    not_reached_pages,
    call_attempt_pages,
    at_risk_pages,
    service_levels_pages,
    costs_pages,
    calls_pages,
    publication_pages,
    open_data_pages,
    council_pages,
    alert_report_pages,
    growth_pages,
    indicators_pages,
    exports_pages,
    schedule_pages,
    retention_pages,
    foi_pages,
    report_pages,
    incidents_pages,
    debrief_pages,
    near_me_pages,
    waste_pages,
    waste_reminder_pages,
    waste_staff_pages,
    waste_staff_change_pages,
    waste_staff_source_pages,
    reorganisation_pages,
)

MAX_BODY_BYTES = 5_000_000  # a polygon of 50,000 points; an import of residents allows itself more


@get("/health/live", sync_to_thread=False, tags=["health"])
def live() -> dict[str, str]:
    """This process answers."""
    return {"status": "live"}


@get("/health/ready", sync_to_thread=True, tags=["health"])
def ready() -> dict[str, str | int]:
    """This process reaches its database and may be given work. `late_alerts` are held for a person to send."""
    with transaction() as session:
        return {"status": "ready", "late_alerts": late_alerts.count_held(session)}


# what residents do not read names no emergencies
WITHOUT_BANNER = ("/staff", "/api", "/static", "/health", "/metrics", "/theme")


class Site(Application):
    """The application; it answers HEAD wherever it answers GET, without the body."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # type: ignore[override]
        if scope["type"] != ScopeType.HTTP or scope["method"] != HttpMethod.HEAD:
            return await self._answer(scope, receive, send)

        async def send_head(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        # who only looks has not read: a click or an open is counted as little as for a prefetch
        headers = [*scope["headers"], (b"sec-purpose", b"prefetch")]
        return await self._answer({**scope, "method": HttpMethod.GET, "headers": headers}, receive, send_head)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        with logs.during(request_ids.new_request()):
            scope, look = await visited(scope)
            if scope["type"] == ScopeType.HTTP and not scope["path"].startswith(WITHOUT_BANNER) and banner.is_stale():
                await sync_to_thread(banner.refresh)
            with theme.wearing(look):
                await super().__call__(scope, receive, send)


def refuse_unknown_paths(connection: AnyConnection, _: BaseRouteHandler) -> None:
    """A guard for where the schema is served: the framework's own page says in HTML that there is nothing else."""
    if connection.path_params.get("path"):
        raise NotFoundException


def create_logged_app() -> Litestar:
    """The application for a process of its own, whose log is JSON lines. Raises: what `create_app` raises."""
    logs.configure()
    keep_private()
    return create_app()


def create_app() -> Litestar:
    """The application with all its routes, for a server to run. Raises: ValueError when the logo cannot be shown."""
    menu.register(item for module in PAGES for item in getattr(module, "MENU_ITEMS", ()))
    record_panels.register(panel for module in PAGES for panel in getattr(module, "RECORD_PANELS", ()))
    remit_choices.draw_with(ward_map.chart_of)
    zone_page_parts.show_with(zone_reach.picture, zone_reach.reach)
    theme.logo()
    name_emergencies_with(banner.emergencies_now)
    api = Router("/api/v1", route_handlers=[handler for module in API for handler in module.HANDLERS])
    # one router: a second handler of one path, added to the app by itself, would wrap the first in a thread twice
    pages = Router("/", route_handlers=[handler for module in PAGES for handler in module.HANDLERS])
    static = create_static_files_router(path="/static", directories=[rendering.TEMPLATES / "static"])
    return Site(
        [
            live,
            ready,
            *deliveries_api.ROOT_HANDLERS,
            api,
            api_documentation.read_docs,
            *problem_pages.HANDLERS,
            *theme.HANDLERS,
            pages,
            static,
        ],
        middleware=[NameRoute(), Greet(), LimitNetworks(), Authenticate(), LimitCallers(), NameAnswers()],
        exception_handlers={
            **problems.HANDLERS,
            SecondFactorNeeded: step_up.ask_again,
            Unauthenticated: sign_in_pages.sign_in_instead,
        },
        before_request=problems.refuse_impossible_paths,
        before_send=[add_security_headers, add_request_id, add_rate_limits],
        lifespan=[buffer.running],
        on_shutdown=[use.write_if_possible],
        # a stream that is compressed waits until there is enough to compress
        compression_config=CompressionConfig(backend="gzip", exclude_opt_key="is_stream"),
        request_max_body_size=MAX_BODY_BYTES,
        logging_config=None,
        openapi_config=document_config(
            api_examples.BODIES,
            Router("/api", route_handlers=[], include_in_schema=False, guards=[refuse_unknown_paths]),
        ),
    )
