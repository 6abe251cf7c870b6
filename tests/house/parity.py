"""Every action of staff with the pages and the API operations that do it, or the reason why one of them does not."""

from collections.abc import Mapping, Sequence

# action: its pages below /staff, its operations below /api/v1. Parameters are written without their types.
ACTIONS: Mapping[str, tuple[Sequence[str], Sequence[str]]] = {
    "work queue": (["GET "], ["GET /work-queue"]),
    "alerts: list and read": (
        ["GET /alerts", "GET /alerts/{alert_id}"],
        ["GET /alerts", "GET /alerts/{alert_id}"],
    ),
    "alerts: follow the sending": (
        ["GET /alerts/{alert_id}/live", "GET /alerts/{alert_id}/figures", "GET /alerts/{alert_id}/wards.csv"],
        ["GET /alerts/{alert_id}/analytics", "GET /alerts/{alert_id}/deliveries"],
    ),
    "alerts: read the report": (["GET /alerts/{alert_id}/report"], ["GET /alerts/{alert_id}/report"]),
    "alerts: write": (
        [
            *(f"{method} /compose/{{draft_id}}/{step}" for method in ("GET", "POST") for step in ("where", "words")),
            *("GET /compose", "POST /compose", "GET /compose/{draft_id}/check", "POST /compose/{draft_id}/send"),
            "POST /alerts/{alert_id}/copy",
        ],
        ["POST /alerts"],
    ),
    "alerts: count the audience": (["POST /compose/{draft_id}/where"], ["POST /audiences"]),
    "alerts: read a shape from a file": (["POST /compose/{draft_id}/shape"], ["POST /shapes"]),
    "alerts: ask for sending": (
        ["GET /alerts/{alert_id}/check", "POST /alerts/{alert_id}/submit"],
        ["POST /alerts/{alert_id}/submit"],
    ),
    "alerts: cancel": (["POST /alerts/{alert_id}/cancel"], ["POST /alerts/{alert_id}/cancel"]),
    "alerts: update and all-clear": (
        [
            "GET /alerts/{alert_id}/follow-up",
            "POST /alerts/{alert_id}/follow-up",
            "POST /alerts/{alert_id}/change-area",
        ],
        ["POST /alerts/{alert_id}/update", "POST /alerts/{alert_id}/all-clear"],
    ),
    "alerts: reschedule": (
        ["GET /alerts/{alert_id}/reschedule", "POST /alerts/{alert_id}/reschedule"],
        ["POST /alerts/{alert_id}/reschedule"],
    ),
    "alerts: send late": (["POST /alerts/{alert_id}/send-late"], ["POST /alerts/{alert_id}/send-late"]),
    "alerts: replace ended areas": (
        ["POST /alerts/{alert_id}/replace-areas"],
        ["POST /alerts/{alert_id}/replace-areas"],
    ),
    "alerts: approve": (
        ["GET /alerts/{alert_id}/decide", "POST /alerts/{alert_id}/approve"],
        ["POST /alerts/{alert_id}/approve"],
    ),
    "alerts: send back": (["POST /alerts/{alert_id}/reject"], ["POST /alerts/{alert_id}/reject"]),
    "alerts: return for changes": (["POST /alerts/{alert_id}/return"], ["POST /alerts/{alert_id}/return"]),
    "alerts: change a draft": (["POST /alerts/{alert_id}/change"], ["PUT /alerts/{alert_id}"]),
    "zones: list and read": (["GET /zones", "GET /zones/{slug}"], ["GET /zones", "GET /zones/{slug}"]),
    "zones: add": (["GET /new-zone", "POST /new-zone"], ["POST /zones"]),
    "zones: upload": (["POST /new-zone/file"], ["POST /zone-files"]),
    "zones: change": (["POST /zones/{slug}"], ["PATCH /zones/{slug}"]),
    "zones: archive": (["POST /zones/{slug}/archive"], ["DELETE /zones/{slug}"]),
    "plans: list and read": (["GET /plans", "GET /plans/{slug}"], ["GET /plans", "GET /plans/{slug}"]),
    "plans: keep": (
        [f"{method} /compose/{{draft_id}}/plan" for method in ("GET", "POST")],
        ["POST /plans"],
    ),
    "plans: make the alert": (["POST /plans/{slug}/use"], ["POST /plans/{slug}/alert"]),
    "plans: archive": (["POST /plans/{slug}/archive"], ["DELETE /plans/{slug}"]),
    "alerts: CAP": (["GET /cap", "POST /cap"], ["POST /cap", "GET /alerts/{alert_id}/cap"]),
    "alerts: try failed messages again": (
        ["POST /operations/alerts/{alert_id}/retry"],
        ["POST /alerts/{alert_id}/retry"],
    ),
    "alerts: call list": (
        ["GET /alerts/{alert_id}/missed", "GET /alerts/{alert_id}/missed.csv"],
        ["GET /alerts/{alert_id}/call-list"],
    ),
    "incidents: list and read": (
        ["GET /incidents", "GET /incidents/{incident_id}", "GET /incidents/{incident_id}/live"],
        ["GET /incidents", "GET /incidents/{incident_id}", "GET /incidents/{incident_id}/log"],
    ),
    "incidents: read the debrief": (["GET /incidents/{incident_id}/debrief"], ["GET /incidents/{incident_id}/debrief"]),
    "incidents: notes and handovers": (
        ["POST /incidents/{incident_id}/notes", "POST /incidents/{incident_id}/handovers/{note_id}/read"],
        ["POST /incidents/{incident_id}/notes", "POST /incidents/{incident_id}/handovers/{note_id}/read"],
    ),
    "incidents: link an alert": (["POST /incidents/{incident_id}/alerts"], ["POST /incidents/{incident_id}/alerts"]),
    "incidents: rename": (["POST /incidents/{incident_id}/name"], ["PATCH /incidents/{incident_id}"]),
    "incidents: end": (["POST /incidents/{incident_id}/end"], ["POST /incidents/{incident_id}/end"]),
    "alerts: record a call or visit": (
        [f"{method} /alerts/{{alert_id}}/missed/{{subscriber_id}}" for method in ("GET", "POST")],
        ["POST /alerts/{alert_id}/call-list/{subscriber_id}/attempts"],
    ),
    "people at risk: turn lists on": (
        ["GET /at-risk", "POST /at-risk"],
        ["GET /at-risk-assessment", "PUT /at-risk-assessment"],
    ),
    "people at risk: work with a list": (
        [
            *(f"{method} /alerts/{{alert_id}}/at-risk" for method in ("GET", "POST")),
            *(f"{method} /alerts/{{alert_id}}/at-risk/{{person_id}}" for method in ("GET", "POST")),
            "POST /alerts/{alert_id}/at-risk/destroy",
        ],
        [],
    ),
    "emergencies: broadcast": (["GET /emergency", "POST /emergency"], ["POST /alerts"]),
    "drafts: list, read and delete": (
        [
            *("GET /compose", "GET /compose/{draft_id}/words"),
            *(f"{method} /compose/{{draft_id}}/discard" for method in ("GET", "POST")),
        ],
        ["GET /drafts", "GET /drafts/{draft_id}", "DELETE /drafts/{draft_id}"],
    ),
    "message templates": (
        ["GET /templates", "POST /templates/{template_id}/retire", "POST /compose/{draft_id}/words"],
        ["GET /message-templates", "POST /message-templates", "DELETE /message-templates/{template_id}"],
    ),
    "recurring alerts": (
        [
            *("GET /alerts/{alert_id}/repeat", "POST /alerts/{alert_id}/repeat"),
            *(f"POST /recurrences/{{recurrence_id}}/{verb}" for verb in ("pause", "go-on", "end")),
        ],
        [
            *("GET /recurrences", "POST /alerts/{alert_id}/recurrence", "DELETE /recurrences/{recurrence_id}"),
            *(f"POST /recurrences/{{recurrence_id}}/{verb}" for verb in ("pause", "go-on")),
        ],
    ),
    "calendar": (["GET /calendar"], ["GET /calendar"]),
    "archive": (["GET /archive", "POST /archive/export"], ["GET /archive"]),
    "statutory notices": (
        [
            *("GET /notices", "GET /notices/{notice_id}", "GET /notices/new", "POST /notices/new"),
            *("GET /notices/{notice_id}/correct", "POST /notices/{notice_id}/correct"),
            "POST /notices/{notice_id}/withdraw",
        ],
        [
            *("GET /public-notices", "GET /public-notices/{notice_id}", "POST /public-notices"),
            *("POST /public-notices/{notice_id}/correct", "POST /public-notices/{notice_id}/withdraw"),
        ],
    ),
    "topics: list and read": (["GET /topics", "GET /topics/{slug}"], ["GET /topics", "GET /topics/{slug}"]),
    "topics: make": (["GET /new-topic", "POST /new-topic"], ["POST /topics"]),
    "topics: change": (["POST /topics/{slug}"], ["PATCH /topics/{slug}"]),
    "topics: end": (["GET /topics/{slug}/close", "POST /topics/{slug}/close"], ["DELETE /topics/{slug}"]),
    "topics: merge": (["GET /topics/{slug}/merge", "POST /topics/{slug}/merge"], ["POST /topics/{slug}/merge"]),
    "topics: split": (["GET /topics/{slug}/split", "POST /topics/{slug}/split"], ["POST /topics/{slug}/split"]),
    "topics: order": (["POST /topics/{slug}/move"], ["PUT /topic-order"]),
    "topics: groups": (
        [
            *("GET /topic-groups", "POST /topic-groups", "POST /topic-groups/{group_id}"),
            "POST /topic-groups/{group_id}/remove",
        ],
        [
            *("GET /topic-groups", "POST /topic-groups"),
            *("PATCH /topic-groups/{group_id}", "DELETE /topic-groups/{group_id}"),
        ],
    ),
    "subscribers: sign up": (["GET /sign-up", "POST /sign-up"], ["POST /subscribers"]),
    "subscribers: find and read": (
        [
            *("GET /residents", "POST /residents", "GET /residents/{subscriber_id}"),
            "POST /residents/{subscriber_id}/reason",
        ],
        ["GET /subscribers", "GET /subscribers/{subscriber_id}", "POST /subscribers/search"],
    ),
    "subscribers: change": (
        [
            f"{method} /residents/{{subscriber_id}}/{what}"
            for method in ("GET", "POST")
            for what in ("contacts", "details", "places", "topics")
        ],
        ["PATCH /subscribers/{subscriber_id}", "POST /subscribers"],
    ),
    "subscribers: erase": (
        [f"{method} /residents/{{subscriber_id}}/erase" for method in ("GET", "POST")],
        ["DELETE /subscribers/{subscriber_id}"],
    ),
    "subscribers: pause": (
        [f"{method} /residents/{{subscriber_id}}/pause" for method in ("GET", "POST")],
        ["POST /subscribers/{subscriber_id}/pause"],
    ),
    "subscribers: what they were sent": (
        ["GET /residents/{subscriber_id}/messages", "POST /residents/{subscriber_id}/resend"],
        ["GET /subscribers/{subscriber_id}/messages", "POST /subscribers/{subscriber_id}/messages/resend"],
    ),
    "subscribers: send a link": (
        ["POST /residents/{subscriber_id}/link"],
        ["POST /subscribers/{subscriber_id}/link"],
    ),
    "subscribers: everything held": (
        [f"GET /residents/{{subscriber_id}}/{what}" for what in ("data", "data.json", "data.csv")],
        ["GET /subscribers/{subscriber_id}/export"],
    ),
    "subscribers: lift a suppression": (
        [f"{method} /residents/{{subscriber_id}}/suppressions/{{suppression_id}}" for method in ("GET", "POST")],
        ["POST /suppressions/{suppression_id}/lift"],
    ),
    "subscribers: import": (
        [
            *("GET /imports", "POST /imports", "GET /imports/{import_id}", "GET /imports/{import_id}/columns"),
            *(f"POST /imports/{{import_id}}/{verb}" for verb in ("check", "start", "undo", "remove")),
            "GET /imports/{import_id}/report.csv",
        ],
        [
            *("POST /subscribers/import", "GET /imports", "POST /imports", "GET /imports/{import_id}"),
            *(f"POST /imports/{{import_id}}/{verb}" for verb in ("start", "undo")),
        ],
    ),
    "subscribers: messages they wrote": (["GET /messages"], ["GET /resident-messages"]),
    "subscribers: places to check": (["GET /places"], ["GET /place-reviews"]),
    "suppressions: find": (
        ["GET /suppressions", "POST /suppressions/search"],
        ["GET /suppressions", "POST /suppressions/search"],
    ),
    "suppressions: lift": (
        ["POST /suppressions/lift"],
        ["POST /suppressions/lift", "POST /suppressions/{suppression_id}/lift"],
    ),
    "suppressions: add": ([], ["POST /suppressions"]),
    "suppressions: bursts of bounces": (
        ["GET /suppressions", "POST /suppressions/bursts/{burst_id}"],
        ["GET /bounces/bursts", "POST /bounces/bursts/{burst_id}/confirm", "POST /bounces/bursts/{burst_id}/dismiss"],
    ),
    "webhook receivers: list": (["GET /webhooks"], ["GET /webhook-endpoints"]),
    **{
        f"webhook receivers: {verb}": (
            [f"POST /webhooks/{{contact}}/{verb}"],
            [f"POST /webhook-endpoints/{{contact}}/{verb}"],
        )
        for verb in ("enable", "disable", "secret")
    },
    "webhook receivers: replay": ([], ["POST /webhook-endpoints/{contact}/replay"]),
    "operations: see": (["GET /operations"], ["GET /queue", "GET /providers"]),
    "operations: hold": (["POST /operations/hold"], ["POST /queue/hold"]),
    "operations: release": (["POST /operations/release"], ["POST /queue/release"]),
    "budget": (["GET /operations", "POST /operations/budget"], ["GET /budget", "PUT /budget"]),
    "collections: read": (
        ["GET /bins", "GET /bins/round", "GET /bins/find", "GET /bins/releases/{release_id}"],
        [
            *("GET /collections/releases", "GET /collections/releases/{release_id}/comparison"),
            *("GET /collections/moves", "GET /waste-events"),
        ],
    ),
    "collections: load and activate": (
        [
            *("GET /bins/upload", "POST /bins/upload", "GET /bins/uploads/{upload_id}"),
            "POST /bins/releases/{release_id}/activate",
        ],
        ["POST /collections/releases", "POST /collections/releases/{release_id}/activate"],
    ),
    "collections: moved days": (["GET /bins/holidays", "POST /bins/holidays"], ["PUT /collections/moves"]),
    "collections: what happened": (["GET /bins/happened", "POST /bins/happened"], ["POST /waste-events"]),
    "collections: figures": (["GET /bins/figures"], ["GET /collections/figures"]),
    "collections: sources that are fetched": (
        [
            *("GET /bins/sources", "POST /bins/sources"),
            *(f"POST /bins/sources/{{source_id}}/{verb}" for verb in ("fetch", "remove")),
        ],
        [
            *("GET /collections/sources", "POST /collections/sources", "DELETE /collections/sources/{source_id}"),
            "POST /collections/sources/{source_id}/fetch",
        ],
    ),
    "collections: contractors": (
        ["GET /bins/contractors", "POST /bins/contractors", "POST /bins/contractors/{contractor_id}/remove"],
        [
            *("GET /collections/contractors", "POST /collections/contractors"),
            "DELETE /collections/contractors/{contractor_id}",
        ],
    ),
    "collections: what was completed or missed": ([], ["POST /collections/statuses"]),
    "places: find a place on the map": (["GET /places/search"], ["GET /places"]),
    "places: wards on the map": (["GET /places/wards.geojson"], []),
    "alerts: the area on the map": (["GET /alerts/{alert_id}/area.geojson"], ["GET /alerts/{alert_id}"]),
    "places: releases": (
        [
            *("GET /places/releases", "POST /places/releases", "GET /places/releases/{release_id}"),
            "POST /places/releases/{release_id}/activate",
        ],
        [
            *("GET /place-releases", "POST /place-releases", "GET /place-releases/{release_id}/comparison"),
            "POST /place-releases/{release_id}/activate",
        ],
    ),
    "council: settings and look": (
        [
            *(
                "GET /settings",
                "GET /settings/{subject}",
                "POST /settings/{subject}",
                "POST /settings/{subject}/preview",
            ),
            "POST /settings/images/{kind}/remove",
        ],
        [*("GET /council", "PATCH /council"), *(f"{method} /council/images/{{kind}}" for method in ("PUT", "DELETE"))],
    ),
    "councils of the installation": (
        ["GET /councils", "POST /councils", "GET /councils/{slug}", "POST /councils/{slug}/{deed}"],
        [],
    ),
    "guided start: what is left to do": (["GET /start", "GET /start/places", "GET /start/messages"], []),
    "guided start: topics of the starter set": (["GET /start/topics", "POST /start/topics"], ["POST /topics"]),
    "guided start: a test to oneself": (["POST /start/messages"], []),
    "oneself: another council": (["POST /switch"], []),
    "collections: what is collected": (["GET /bins/stream", "POST /bins/stream"], []),
    "collections: tell people of new days": (
        ["POST /bins/releases/{release_id}/tell", "GET /bins/releases/{release_id}/letters.csv"],
        [],
    ),
    "collections: reports of residents": (["POST /bins/reports/{report_id}/done"], []),
    "reports: the council": (
        [
            *("GET /figures", "GET /figures/topics/{slug}", "GET /figures/wards/{code}"),
            *(f"GET /figures/{by}" for by in ("topics", "wards", "channels", "providers", "languages")),
        ],
        ["GET /figures"],
    ),
    "reports: growth, reach and fatigue": (
        [f"GET /figures/{what}" for what in ("growth", "reach", "fatigue")],
        [f"GET /{what}" for what in ("growth", "reach", "fatigue")],
    ),
    "reports: notes": (
        [
            *("POST /figures/notes", "POST /figures/notes/{annotation_id}/remove"),
            "POST /alerts/{alert_id}/figures/notes",
        ],
        [],
    ),
    "reports: service levels": (
        ["GET /figures/service-levels", "POST /figures/service-levels", "POST /figures/service-levels/{alert_id}"],
        ["GET /service-levels", "PUT /service-levels/targets", "PUT /alerts/{alert_id}/breach-note"],
    ),
    "reports: costs": (
        [
            *("GET /figures/costs", "GET /figures/costs/{alert_id}", "POST /figures/costs/{alert_id}"),
            *("POST /figures/costs/assumptions", "POST /figures/costs/prices"),
        ],
        [
            *("GET /costs", "GET /alerts/{alert_id}/costs", "PUT /alerts/{alert_id}/staff-time"),
            *("GET /costs/prices", "POST /costs/prices", "PUT /costs/assumptions"),
        ],
    ),
    "reports: calls": (
        ["GET /figures/calls", "GET /figures/calls/{alert_id}", "POST /figures/calls", "POST /figures/calls/topics"],
        ["GET /calls", "GET /alerts/{alert_id}/calls", "POST /calls/import", "PUT /calls/categories"],
    ),
    "reports: targets": (
        [
            *("GET /figures/targets", "GET /figures/targets/{indicator}", "POST /figures/targets/{indicator}"),
            "POST /figures/targets/{indicator}/values",
        ],
        [
            *("GET /targets", "POST /targets", "PUT /targets/{indicator}"),
            "POST /targets/{indicator}/values",
        ],
    ),
    "open data: choose what is published": (
        ["GET /figures/published", "POST /figures/published"],
        ["GET /publication", "PUT /publication"],
    ),
    "exports: data sets": (
        ["GET /exports", "POST /exports/file"],
        ["GET /extracts", "GET /extracts/dictionary", "GET /extracts/{data_set}"],
    ),
    "exports: regular reports": (
        [
            *("GET /exports/schedules", "POST /exports/schedules"),
            *(f"POST /exports/schedules/{{schedule_id}}/{verb}" for verb in ("pause", "go-on", "remove", "send")),
        ],
        [
            *("GET /export-schedules", "POST /export-schedules"),
            *(f"POST /export-schedules/{{schedule_id}}/{verb}" for verb in ("pause", "go-on", "remove", "send")),
        ],
    ),
    "exports: everything": (["POST /exports/everything"], []),
    "exports: retention": (["GET /exports/retention"], []),
    "evidence: answers": (["GET /evidence", "GET /evidence/foi"], ["GET /evidence"]),
    "evidence: statements": (["POST /evidence/statements"], ["PUT /evidence/statements"]),
    "evidence: record of processing and test runs": (["GET /evidence/personal-data", "GET /evidence/runs"], []),
    "audit trail": (["GET /audit", "GET /audit.csv"], ["GET /audit"]),
    "rights: who may do what": (["GET /rights"], ["GET /rights"]),
    "users: list": (["GET /officers", "GET /officers/{officer_id}"], ["GET /officers"]),
    "users: invite": (
        ["POST /officers", "POST /officers/{officer_id}/invite"],
        ["POST /officers", "POST /officers/{officer_id}/invite"],
    ),
    "users: withdraw an invitation": (
        ["POST /officers/{officer_id}/withdraw"],
        ["POST /officers/{officer_id}/withdraw"],
    ),
    "users: change and suspend": (["POST /officers/{officer_id}"], ["POST /officers/{officer_id}"]),
    "users: sessions": (
        ["GET /officers/{officer_id}", "POST /officers/{officer_id}/sessions/end"],
        ["GET /officers/{officer_id}/sessions", "POST /officers/{officer_id}/sessions/end"],
    ),
    "users: ask for a new second factor": (
        ["POST /officers/{officer_id}/second-factor"],
        ["POST /officers/{officer_id}/second-factor"],
    ),
    "users: agree to a new second factor": (
        [f"POST /officers/{{officer_id}}/second-factor/{verb}" for verb in ("agree", "refuse")],
        [],
    ),
    "keys": (
        ["GET /keys", "POST /keys", "POST /keys/{prefix}/revoke"],
        ["GET /keys", "POST /keys", "POST /keys/{prefix}/revoke"],
    ),
    "alerts: look at and prove an email": (
        [
            *("GET /alerts/{alert_id}/preview/{language}", "GET /compose/{draft_id}/preview/{language}"),
            "POST /compose/{draft_id}/proof",
        ],
        [],
    ),
    "emergencies: send alone": (["GET /alerts/{alert_id}/alone", "POST /alerts/{alert_id}/alone"], []),
    "recurring alerts: replace ended areas": (["POST /recurrences/{recurrence_id}/replace-areas"], []),
    "oneself: confirm with a second factor": (["GET /confirm", "POST /confirm"], []),
    "first steps: dismiss": (["POST /set-up/done"], []),
}
PERSON = "a person has to be there, who proves it in the browser: a key would be the way around"
ONLY_API: Mapping[str, str] = {
    "collections: what was completed or missed": "a contractor's program says it; a person says what happened",
    "suppressions: add": "on pages a person's topics are ended or paused instead, with their word",
    "webhook receivers: replay": "the receiver's own program asks for what it missed",
}
ONLY_PAGE: Mapping[str, str] = {
    "places: wards on the map": "open data that programs read as GeoJSON at GET /api/v1/areas",
    "people at risk: work with a list": "only a person who is there sees people at risk, and no key does",
    "exports: everything": PERSON,
    "councils of the installation": "an operator does it with a second factor, or by `notify council` at a terminal",
    "guided start: what is left to do": "it is a list of links to pages, worked out from what is there",
    "guided start: a test to oneself": "a program is nobody who could read it",
    "oneself: another council": "a key is of one council",
    "users: agree to a new second factor": PERSON,
    "emergencies: send alone": PERSON,
    "oneself: confirm with a second factor": PERSON,
    "alerts: look at and prove an email": "a program sends what it made and has nothing to look at",
    "first steps: dismiss": "it hides a list that only the page shows",
    "exports: retention": "it is settings in words, which programs read from the settings",
    "evidence: record of processing and test runs": "the page gives them as JSON too (`?format=json`)",
    "reports: notes": "notes are words beside a chart that only the page draws",
    "recurring alerts: replace ended areas": "a program ends it and begins another with the new areas",
    "collections: what is collected": "a release that is loaded by API brings what is collected along",
    "collections: tell people of new days": "a person reads the numbers and the letters before anyone is told",
    "collections: reports of residents": "a person looks at each before it is done",
}
