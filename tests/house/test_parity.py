"""What people do on pages, programs do by API, and the other way round, or a reason stands beside it."""

import re

from tests.house.parity import ACTIONS, ONLY_API, ONLY_PAGE
from tests.staff.policy import DOORS

ROOTS = ("/staff", "/api/v1")


def doors(root: str) -> set[str]:
    """The doors of the table of rights below this root, their parameters without types."""
    found = set()
    for door in (door for listed in DOORS.values() for door in listed):
        method, _, path = door.partition(" ")
        if path == root or path.startswith(f"{root}/"):
            found.add(f"{method} {re.sub(r':[a-z]+}', '}', path.removeprefix(root))}")
    return found


def test_every_door_belongs_to_an_action_and_every_action_has_its_doors() -> None:
    for number, root in enumerate(ROOTS):
        listed = {door for sides in ACTIONS.values() for door in sides[number]}
        assert doors(root) - listed == set(), f"Say in tests/house/parity.py what these {root} doors do"
        assert listed - doors(root) == set(), f"There are no such {root} doors"


def test_every_action_has_pages_and_operations_or_a_reason() -> None:
    without_page = {name for name, (pages, _) in ACTIONS.items() if not pages}
    without_operation = {name for name, (_, operations) in ACTIONS.items() if not operations}
    assert without_page == ONLY_API.keys()
    assert without_operation == ONLY_PAGE.keys()
    assert all(len(reason) > 20 for reason in (*ONLY_API.values(), *ONLY_PAGE.values()))
