"""Users and keys of a council that becomes part of another, and the end of the old council."""

from collections.abc import Mapping

from sqlalchemy import text
from sqlmodel import Session, select

from notify.core import clock
from notify.staff.models import Council, Officer
from notify.staff.sign_in import sessions


def close(session: Session, old: Council, new: Council) -> None:
    """Note that the old council has become part of the new one, which covers its districts from now on."""
    new.district_codes = list(dict.fromkeys([*new.district_codes, *old.district_codes]))
    old.district_codes, old.merged_into_id, old.merged_at = [], new.id, clock.now()
    session.add_all([old, new])
    session.flush()


def _unite(session: Session, leaving: Officer, staying: Officer) -> None:
    """One person's two users become one: keys go on working, and what only the old one could do is for an administrator
    to give anew.
    """
    leaving.active = False
    session.add(leaving)
    session.flush()
    session.execute(
        text("UPDATE api_key SET officer_id = :new WHERE officer_id = :old"), {"old": leaving.id, "new": staying.id}
    )


def move_staff(session: Session, old: Council, new: Council, topics: Mapping[str, str]) -> tuple[int, int]:
    """Have users and keys of the old council work for the new one; how many of each.

    Users sign in again, and keys go on working. Short names of topics in remits become those of `topics`.
    """
    officers = session.exec(select(Officer).where(Officer.council_id == old.id)).all()
    there = session.exec(select(Officer).where(Officer.council_id == new.id)).all()
    by_address = {one.email: one for one in there}
    by_account = {one.oidc_subject: one for one in there if one.oidc_subject}
    for officer in officers:
        # who works for both, by address or by council account, keeps the user that they are at the new council
        if staying := by_address.get(officer.email) or by_account.get(officer.oidc_subject or ""):
            _unite(session, officer, staying)
            continue
        officer.council_id = new.id
        officer.topics = [topics.get(slug, slug) for slug in officer.topics]
        session.add(officer)
    session.flush()
    sessions.close_all(session, [officer.id for officer in officers])
    moved = session.execute(
        text("UPDATE api_key SET council_id = :new WHERE council_id = :old RETURNING id"),
        {"old": old.id, "new": new.id},
    )
    return len(officers), len(moved.all())
