"""What `notify run` does before it serves, in a process that ends: schema, demo council, words of the invitation.

`python -m notify.demo.set_up MAIL_FOLDER` prints what it does, then a line that holds INVITATION alone, then the words.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from notify import migrations
from notify.core import db
from notify.core.demo_marker import INVITATION
from notify.core.errors import NotifyError
from notify.demo import council as demo_council
from notify.demo import history as demo_history
from notify.places.basemap import loader as basemap_loader
from notify.places.basemap import store as basemap_store
from notify.places.place_names.loader import load_names
from notify.places.place_names.models import NamedPlaceEdition
from notify.staff import queries as staff_queries


def main() -> None:
    """Set up, and print."""
    try:
        migrations.run(db.engine())
        lines = demo_council.invitation(Path(sys.argv[1])) if _is_demo() else _own_invitation()
    except NotifyError as error:
        sys.exit(f"Error: {error.title}. {error.detail}")
    click.echo(INVITATION)
    for line in lines:
        click.echo(line)


def _is_demo() -> bool:
    """Whether the demo council lives here, which it does wherever no other came first."""
    with db.transaction() as session:
        here = [council.slug for council in staff_queries.councils(session)]
    if not here:
        demo_council.set_up(click.echo)
    if here and demo_council.COUNCIL not in here:
        return False
    demo_history.fill(click.echo)
    _draw_map()
    return True


def _draw_map() -> None:
    """The invented streets and their names, where no others were loaded."""
    with db.transaction() as session:
        if basemap_store.about() is None:
            basemap_loader.load(session, demo_council.FOLDER / "basemap.mbtiles")
        if session.get(NamedPlaceEdition, 1) is None:
            names = demo_council.FOLDER / "names.csv"
            load_names(session, names, product="Zedholm, invented", version="2026", attribution="Invented names.")


def _own_invitation() -> Sequence[str]:
    base = os.environ["NOTIFY_BASE_URL"]
    return [
        f"\nResidents sign up at {base}/. Officers sign in with `notify officer link EMAIL`.",
        f"API documentation: {base}/api/docs. Mail is caught, not sent: read it with `notify mail`.",
        "Ctrl-C stops everything.\n",
    ]


if __name__ == "__main__":
    main()
