"""Who may do what: one table of rights, and the principal that it is applied to. Independent of the web framework."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from notify.core import clock
from notify.core.errors import Forbidden
from notify.staff.models import Officer, Role
from notify.staff.remit import EVERYTHING, Remit, remit_of

# what administrators read where they choose one
IN_WORDS: dict[Role, str] = {
    Role.VIEWER: "Sees alerts and their reports.",
    Role.AUTHOR: "Writes alerts and keeps residents. Where a topic needs no approval, what they write goes out.",
    Role.APPROVER: "Also approves what others wrote.",
    Role.PLANNER: "Also broadcasts emergencies.",
    Role.COUNCILLOR: "Sees the alerts of their own wards, and nothing else.",
    Role.CONTACT_CENTRE: "Finds and signs up residents, sees what they were sent and sends it again. Writes no alerts.",
    Role.COUNCILLOR_SENDER: "Also writes to their own wards on a template of the council. An officer always approves.",
    Role.MONITORING: "Reads everything, with the audit trail, and changes nothing.",
    Role.CARE_LEAD: "Sees the call list of an emergency with people at risk beside it, and records calls and visits.",
    Role.ADMIN: "May do everything, and says what others may.",
}
FRESH = timedelta(minutes=5)
# who has no other work with a resident than the call at hand, and says each time what it is
MUST_SAY_WHY = frozenset({Role.CONTACT_CENTRE, Role.MONITORING})


class Right(StrEnum):
    """One thing a person or a key may be allowed to do."""

    SEE_ALERTS = "see alerts"
    WRITE_ALERTS = "write alerts"
    APPROVE_ALERTS = "approve alerts"
    BROADCAST = "broadcast emergencies"
    SEE_ONE_SUBSCRIBER = "find one subscriber and see their record"
    SEE_SUBSCRIBERS = "see subscribers"
    CHANGE_SUBSCRIBERS = "change subscribers"
    CHANGE_MANY_SUBSCRIBERS = "change many subscribers at once"
    CHANGE_TOPICS = "change topics"
    STEER_QUEUE = "hold and release the queue"
    CHANGE_BUDGET = "change the budget"
    CHANGE_SETTINGS = "change the council's settings"
    SEE_WORK = "see deliveries, the queue and the budget"
    SEE_AUDIT = "read the audit trail"
    MANAGE_STAFF = "manage officers and keys"
    SEE_FIGURES = "see the council's figures"
    CHANGE_FIGURES = "change targets, prices and what is published"
    SEE_AT_RISK = "see people at risk in an emergency"
    EXPORT_EVERYTHING = "take out what names people"
    CHANGE_COLLECTIONS = "change collection days"
    RUN_INSTALLATION = "create, close and merge councils"
    CHANGE_PLACES = "change boundaries and postcodes"


_GLANCING = frozenset({Right.SEE_ALERTS})
_SEEING = _GLANCING | {Right.SEE_WORK, Right.SEE_FIGURES}
_ONE_BY_ONE = frozenset({Right.SEE_ONE_SUBSCRIBER, Right.CHANGE_SUBSCRIBERS})
_SUBSCRIBERS = _ONE_BY_ONE | {Right.SEE_SUBSCRIBERS, Right.CHANGE_MANY_SUBSCRIBERS}
_WRITING = _SEEING | {Right.WRITE_ALERTS} | _SUBSCRIBERS

RIGHTS: dict[Role, frozenset[Right]] = {
    Role.VIEWER: _SEEING,
    Role.AUTHOR: _WRITING,
    Role.APPROVER: _WRITING | {Right.APPROVE_ALERTS, Right.CHANGE_COLLECTIONS},
    Role.PLANNER: _WRITING | {Right.APPROVE_ALERTS, Right.BROADCAST, Right.CHANGE_COLLECTIONS},
    Role.COUNCILLOR: _GLANCING,
    Role.CONTACT_CENTRE: _GLANCING | _ONE_BY_ONE,
    Role.COUNCILLOR_SENDER: _GLANCING | {Right.WRITE_ALERTS},
    Role.MONITORING: _SEEING | {Right.SEE_ONE_SUBSCRIBER, Right.SEE_SUBSCRIBERS, Right.SEE_AUDIT},
    Role.CARE_LEAD: _GLANCING | {Right.SEE_SUBSCRIBERS, *_ONE_BY_ONE, Right.SEE_AT_RISK},
    # who may say who is a care lead is none by that
    Role.ADMIN: frozenset(Right) - {Right.RUN_INSTALLATION, Right.SEE_AT_RISK},
}

# all that is left to who works with some topics or areas only: the rest concerns the whole council
WITHIN_A_REMIT = _WRITING - _SUBSCRIBERS - {Right.SEE_FIGURES} | {
    Right.APPROVE_ALERTS,
    Right.BROADCAST,
}
# what no key may do, whatever its role, and how it is done instead
PERSONS_ONLY: dict[Right, str] = {
    Right.MANAGE_STAFF: "Sign in and do it at /staff/officers or /staff/keys, or by `notify officer` and `notify key`.",
    Right.SEE_AT_RISK: "Sign in as a care lead and do it on the page of the emergency.",
    Right.RUN_INSTALLATION: "Sign in as an operator and do it at /staff/councils, or by `notify council`.",
    Right.EXPORT_EVERYTHING: "Sign in and take it at /staff/exports, or by `notify export`.",
}

# what is left in a council that has closed: looking, taking out, and saying who may
WHEN_CLOSED = frozenset(
    {
        *(right for right in Right if right.name.startswith("SEE_")),
        *(Right.EXPORT_EVERYTHING, Right.MANAGE_STAFF, Right.RUN_INSTALLATION),
    }
)

# all that rehearses an alert, and nothing that another person would find changed
TEST_RIGHTS = frozenset(
    {
        *(Right.SEE_ALERTS, Right.WRITE_ALERTS, Right.APPROVE_ALERTS, Right.BROADCAST, Right.SEE_WORK),
        *(Right.SEE_ONE_SUBSCRIBER, Right.SEE_SUBSCRIBERS, Right.CHANGE_SUBSCRIBERS),
    }
)


def roles_within(role: Role) -> frozenset[Role]:
    """The roles that may do nothing which this one may not."""
    return frozenset(other for other, rights in RIGHTS.items() if rights <= RIGHTS[role])


class SecondFactorNeeded(Forbidden):
    """Emergencies, users, keys and personal data are in the hands of people who proved a moment ago who they are.

    `back` is the page to go on with afterwards, where it is not the route's usual one, and `words` what the person
    wrote there.
    """

    title = "Confirm that it is you"

    def __init__(self, detail: str, *, back: str = "", words: str = "") -> None:
        super().__init__(detail)
        self.back = back
        self.words = words


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another council that the same person is a user of, as the header of pages shows it."""

    slug: str
    name: str
    colour: str


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking: an officer or an API key, of one council.

    `actor` names them in the audit trail: `officer:<id>` or `key:<prefix>`, never by personal data. `officer_id` is
    the person: of a key, the officer it belongs to, and none for a key of the council. `mfa_at` is when they last gave
    a second factor, which a key never does. `is_operator`: they run the installation too. `is_closed`: their council
    has closed. `elsewhere` are other councils of the same person.
    """

    actor: str
    name: str
    council_id: UUID
    role: Role
    is_test: bool = False
    officer_id: UUID | None = None
    remit: Remit = EVERYTHING
    mfa_at: datetime | None = None
    is_operator: bool = False
    is_closed: bool = False
    elsewhere: Sequence[Elsewhere] = ()

    @property
    def is_key(self) -> bool:
        """Whether a program asks."""
        return self.actor.startswith("key:")

    def require_fresh_mfa(self) -> None:
        """Refuse who has not given a second factor in the last five minutes. Raises: SecondFactorNeeded.

        No key gets through, whoever holds it: it would be the way around.
        """
        if self.is_key:
            raise SecondFactorNeeded("A key cannot say that somebody is there. Sign in and do it in the browser.")
        if self.mfa_at is None or clock.now() - self.mfa_at > FRESH:
            raise SecondFactorNeeded("Your second factor is older than five minutes. Confirm it at /staff/confirm.")

    def require_person_here(self, right: Right) -> None:
        """Refuse unless a person who may asks, and gave a second factor in the last five minutes.

        For who may do what here, and for taking out what is about people. Raises: Forbidden, SecondFactorNeeded.
        """
        self.require(right)
        self.require_fresh_mfa()

    def may(self, right: Right) -> bool:
        """Whether this principal's role holds `right`, and neither the kind of key, their remit nor the end of their
        council takes it away. Running the installation is of no role.
        """
        if right is Right.RUN_INSTALLATION:
            return self.is_operator and not self.is_key
        if self.is_closed and right not in WHEN_CLOSED:
            return False
        if (self.is_key and right in PERSONS_ONLY) or (self.is_test and right not in TEST_RIGHTS):
            return False
        return right in RIGHTS[self.role] and (self.remit == EVERYTHING or right in WITHIN_A_REMIT)

    @property
    def must_say_why(self) -> bool:
        """Whether a person of this role says why they look for a resident."""
        return self.role in MUST_SAY_WHY

    def require(self, right: Right) -> None:
        """Refuse unless this principal may. Raises: Forbidden."""
        if self.may(right):
            return
        if right is Right.RUN_INSTALLATION:
            raise Forbidden("Only an operator of this installation may do this. `notify officer operator` says who is.")
        if self.is_closed and right in RIGHTS[self.role] and right not in WHEN_CLOSED:
            raise Forbidden(f"Your council has closed here: what it had can be read, and nobody may {right}.")
        if right in RIGHTS[self.role] and self.is_key and right in PERSONS_ONLY:
            raise Forbidden(f"No key may {right}, whoever holds it. {PERSONS_ONLY[right]}")
        if right in RIGHTS[self.role] and self.is_test and right not in TEST_RIGHTS:
            raise Forbidden(f"A test key rehearses alerts and may not {right}. Use a live key.")
        if right in RIGHTS[self.role]:
            raise Forbidden(f"You work with some topics or areas only, and so may not {right}.")
        raise Forbidden(f"The role {self.role} may not {right}. Ask an administrator of your council.")


@dataclass(frozen=True, slots=True)
class SystemActor:
    """The service itself at work for a council, such as a feed or a timer. It may draft, and nobody is there to decide.

    `actor` names it in the audit trail.
    """

    actor: str
    council_id: UUID

    @property
    def name(self) -> str:
        """What people read beside what it did."""
        return self.actor

    @property
    def is_key(self) -> bool:
        """No: no program of others asks."""
        return False

    @property
    def is_test(self) -> bool:
        """No: what it does is live."""
        return False

    @property
    def remit(self) -> Remit:
        """The whole council."""
        return EVERYTHING

    def require(self, right: Right) -> None:
        """Nothing is refused to it that a role could allow; what needs a person is."""

    def require_fresh_mfa(self) -> None:
        """Refuse what only a person decides. Raises: SecondFactorNeeded."""
        raise SecondFactorNeeded("Only a person decides about an emergency. Sign in and approve it in the browser.")


Actor = Principal | SystemActor


def principal_of(officer: Officer, *, mfa_at: datetime | None = None, is_closed: bool = False) -> Principal:
    """This officer as someone who asks. Without `mfa_at` they decide nothing that needs a fresh second factor."""
    return Principal(
        actor=f"officer:{officer.id}",
        name=officer.name,
        council_id=officer.council_id,
        role=officer.role,
        officer_id=officer.id,
        remit=remit_of(officer),
        mfa_at=mfa_at,
        is_operator=officer.is_operator,
        is_closed=is_closed,
    )
