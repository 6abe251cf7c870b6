"""`notify council`, `officer`, `key` and `audit`: who works here, and proof of what they did."""

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import click
from sqlmodel import Session

from notify.core.db import transaction
from notify.core.settings import settings
from notify.staff import audit as staff_audit
from notify.staff import invitations, queries, remit, service, users
from notify.staff.models import KeyMode, Officer, Role
from notify.staff.rights import IN_WORDS
from notify.staff.sign_in import break_glass, password_hashing

Servers = Callable[[], AbstractContextManager[None]]

ACTOR = "command-line"
ROLES_IN_WORDS = "\n".join(f"  {role:<11} {words}" for role, words in IN_WORDS.items())
CREATE_HELP = f"""Add an officer of COUNCIL, who is then told how to get in.

\b
Roles; author, approver and planner each may also do what the one before may:
{ROLES_IN_WORDS}

\b
The first officer of a council, who lets the others in:
  notify officer create cambridge sam@example.org "Sam Officer" --role admin
A councillor, who sees the alerts of one ward:
  notify officer create cambridge lee@example.org "Lee Member" --role councillor --area E05013050
Somebody for the day when council accounts cannot be used:
  notify officer create cambridge kim@example.org "Kim Duty" --role planner --password

\b
How they get in:
  with the council's account, once NOTIFY_OIDC_ISSUER is set (docs/settings.md), by the link of `notify officer
    invite`, or by this very address where the provider says that it was verified (claim email_verified);
  with a password and an app's code, after --password: give them the otpauth address printed, which
    any authenticator app reads, by a way that nobody else reads;
  with a printed link, once and for ten minutes, where NOTIFY_BASE_URL is not https.

What is given here can be changed later at /staff/officers by an administrator; sessions then end at once.
"""
AT_COUNCIL = click.option("--council", "at", help="Short name of the council, for a user of several.")
ROLES = click.Choice([role.value for role in Role])


@click.group()
def council() -> None:
    """Councils of this installation."""


@council.command("create")
@click.argument("slug")
@click.argument("name")
@click.option("--district", "districts", multiple=True, required=True, help="GSS code of a district it covers; repeat.")
@click.pass_obj
def create_council(servers: Servers, slug: str, name: str, districts: Sequence[str]) -> None:
    """Add a council: `notify council create cambridge "Cambridge City Council" --district E07000008`."""
    with servers(), transaction() as session:
        service.create_council(session, slug=slug, name=name, district_codes=districts)
    click.echo(f"{name} can now have officers: notify officer create --help")


@council.command("list")
@click.pass_obj
def list_councils(servers: Servers) -> None:
    """Every council: short name, name, districts."""
    with servers(), transaction() as session:
        for one in queries.councils(session):
            click.echo(f"{one.slug}\t{one.name}\t{','.join(one.district_codes)}")


@click.group()
def officer() -> None:
    """Users: staff of a council."""


@officer.command("create", help=CREATE_HELP)
@click.argument("council_slug", metavar="COUNCIL")
@click.argument("email")
@click.argument("name")
@click.option("--role", type=ROLES, required=True)
@click.option("--password", "with_password", is_flag=True, help="Ask for a password, print what an app needs.")
@click.option("--topic", "topics", multiple=True, help="Short name of a topic they work with; repeat. None: all.")
@click.option("--area", "areas", multiple=True, help="Code of a ward or district they work with; repeat. None: all.")
@click.pass_obj
def create_officer(
    servers: Servers,
    council_slug: str,
    email: str,
    name: str,
    role: str,
    with_password: bool,
    topics: Sequence[str],
    areas: Sequence[str],
) -> None:
    """Add an officer; print a sign-in link that works once, for ten minutes, or with --password what an app needs."""
    password_hash = password_hashing.hashed(_ask_password()) if with_password else ""
    with servers():
        with transaction() as session:
            found = queries.council_by_slug(session, council_slug)
            new = service.create_officer(session, council_id=found.id, email=email, name=name, role=Role(role))
            remit.require_areas_in_force(session, areas)
            new.topics, new.areas = list(topics), list(areas)
            if new.role is Role.ADMIN and not users.has_operator(session):
                users.set_operator(session, new, is_operator=True, actor=ACTOR)  # who begins runs the installation
            said = _way_in(session, new, password_hash)
        click.echo(said)


def _way_in(session: Session, new: Officer, password_hash: str) -> str:
    if password_hash:
        return _in_words(break_glass.set_password(session, new, password_hash, actor=ACTOR))
    if settings().links_sign_in:
        return f"{settings().base_url}/staff/sign-in/{service.create_sign_in_link(session, new.id)}"
    link = invitations.invite(session, new, actor=ACTOR)
    return f"For seven days {new.email} can begin with the council's account at {link}"


def _in_words(enrolled: break_glass.Enrolment) -> str:
    """What the officer is given, by a way that nobody else reads."""
    lines = [enrolled.uri, "", "Recovery codes. Each stands once for the app's code, also while sign-in is locked:"]
    return "\n".join([*lines, *enrolled.recovery_codes])


def _ask_password() -> str:
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True)).strip()  # as forms are


@officer.command("password")
@click.argument("email")
@AT_COUNCIL
@click.pass_obj
def give_password(servers: Servers, email: str, at: str | None) -> None:
    """Ask for a new password and print, this once, what an authenticator app needs and recovery codes. Sessions end."""
    password_hash = password_hashing.hashed(_ask_password())
    with servers():
        with transaction() as session:
            found = queries.officer_by_email(session, email, at)
            said = break_glass.set_password(session, found, password_hash, actor=ACTOR)
        click.echo(_in_words(said))


@officer.command("invite")
@click.argument("email")
@AT_COUNCIL
@click.pass_obj
def invite(servers: Servers, email: str, at: str | None) -> None:
    """Print a link by which an officer's council account becomes theirs here. It works once, for seven days."""
    with servers():
        with transaction() as session:
            link = invitations.invite(session, queries.officer_by_email(session, email, at), actor=ACTOR)
        click.echo(link)


@officer.command("link")
@click.argument("email")
@AT_COUNCIL
@click.pass_obj
def sign_in_link(servers: Servers, email: str, at: str | None) -> None:
    """Print a new sign-in link for an officer, where links are a way in."""
    with servers():
        service.require_links()
        with transaction() as session:
            link = service.create_sign_in_link(session, queries.officer_by_email(session, email, at).id)
        click.echo(f"{settings().base_url}/staff/sign-in/{link}")


@officer.command("operator")
@click.argument("email")
@AT_COUNCIL
@click.option("--remove", is_flag=True, help="They are an operator no longer.")
@click.pass_obj
def set_operator(servers: Servers, email: str, at: str | None, *, remove: bool) -> None:
    """Let a user run this installation too: create, rename, merge and close councils at /staff/councils.

    They sign in as ever, and confirm each change with their second factor. Their sessions end.
    """
    with servers(), transaction() as session:
        found = queries.officer_by_email(session, email, at)
        users.set_operator(session, found, is_operator=not remove, actor=ACTOR)
        click.echo(f"{found.email} is {'no longer ' if remove else ''}an operator of this installation.")


@officer.command("list")
@click.argument("council_slug", metavar="COUNCIL")
@click.pass_obj
def list_officers(servers: Servers, council_slug: str) -> None:
    """Everyone who works or worked for a council."""
    with servers(), transaction() as session:
        for one in users.officers(session, queries.council_by_slug(session, council_slug).id):
            limits = " ".join([*one.topics, *one.areas]) or "everything"
            click.echo(f"{one.email}\t{one.name}\t{one.role}\t{'active' if one.active else 'left'}\t{limits}")


@click.group()
def key() -> None:
    """API keys."""


@key.command("create")
@click.argument("council_slug", metavar="COUNCIL")
@click.argument("name")
@click.option("--role", type=ROLES, required=True)
@click.option("--test", is_flag=True, help="A test key: its alerts are not sent to anyone.")
@click.option("--officer", "email", help="Email address of the user who owns the key.")
@click.pass_obj
def create_key(servers: Servers, council_slug: str, name: str, role: str, test: bool, email: str | None) -> None:
    """Make an API key and print it, this once."""
    with servers():
        with transaction() as session:
            found = queries.council_by_slug(session, council_slug)
            owner = queries.officer_by_email(session, email, found.slug) if email else None
            made = service.create_key(
                session,
                council_id=found.id,
                name=name,
                role=Role(role),
                mode=KeyMode.TEST if test else KeyMode.LIVE,
                officer_id=owner.id if owner else None,
            )
        click.echo(made)


@key.command("list")
@click.argument("council_slug", metavar="COUNCIL")
@click.pass_obj
def list_keys(servers: Servers, council_slug: str) -> None:
    """A council's keys: public part, name, role, mode, whose, last used, until when."""
    with servers(), transaction() as session:
        for one, owner in users.keys(session, queries.council_by_slug(session, council_slug).id):
            used = f"{one.last_used_at:%Y-%m-%d %H:%M}" if one.last_used_at else "never used"
            end = "revoked" if one.revoked_at else f"until {one.expires_at:%Y-%m-%d}"
            click.echo("\t".join([one.prefix, one.name, one.role, one.mode, owner or "the council", used, end]))


@key.command("revoke")
@click.argument("prefix")
@click.pass_obj
def revoke_key(servers: Servers, prefix: str) -> None:
    """End a key by its public part, which `notify key list` shows first."""
    with servers(), transaction() as session:
        at = users.end_key(session, council_id=None, prefix=prefix, actor=ACTOR)
    click.echo(f"{prefix} has not worked since {at:%Y-%m-%d %H:%M} UTC.")


@click.group()
def audit() -> None:
    """The audit trail."""


@audit.command("verify")
@click.option(
    "--anchors",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Files of anchors, such as copies kept elsewhere; without, the one in the data directory.",
)
@click.pass_obj
def verify(servers: Servers, anchors: Sequence[Path]) -> None:
    """Say whether anything was altered, removed, put elsewhere, slipped in or cut off. Exit code 1: it was.

    Entries are sealed within seconds of being written, and once a minute the end of the chain, if it has grown, is
    written to audit-anchors.jsonl in the data directory and to the log. Who may write there could cut both: copy one of
    them often to where nobody here can write, and verify with --anchors COPY. An entry that is older than its seal was
    slipped in; where no scheduler ran meanwhile it was sealed late, which is counted apart.

    What was cut off since the newest anchor, and what never reached a seal, nobody can see. A database put back from a
    copy is shorter than its anchors: that is told as a cut tail, and rightly so.
    """
    with servers(), transaction() as session:
        verdict = staff_audit.verify(session, anchors or [staff_audit.anchors_file()])
    for error in verdict.problems[: staff_audit.FAULTS_SHOWN]:
        click.echo(f"✗ {error}")
    if verdict.late:
        first, last = min(verdict.late), max(verdict.late)
        click.echo(
            f"{len(verdict.late)} entries from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC were sealed late: "
            "no scheduler ran."
        )
    click.echo(f"{verdict.sealed} entries sealed, {verdict.unsealed} waiting, {verdict.anchors} anchors compared.")
    sys.exit(0 if verdict.is_whole else 1)
