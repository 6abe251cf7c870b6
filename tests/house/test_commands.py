"""Every command of `notify` that a document names is there, with every option that it is given."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from notify.cli import LazyCommand, main
from tests.house.test_links import PAGES

# in a line of a terminal, or in code within a sentence
GIVEN = re.compile(r"(?:^|`|\bweb |[/;(] ?)notify ((?:[a-z][a-z-]*)(?: [^`\n#|;)]*)?)", re.M)
DOCUMENTS = [page for page in PAGES if page.name != "CHANGELOG.md"]


def wrong(line: str) -> Iterator[str]:
    """What of this command line the program does not know."""
    command: click.Command = main
    context = click.Context(main)
    for word in line.split():
        if isinstance(command, click.Group) and not word.startswith("-"):
            found = command.get_command(context, word)
            if not found:
                yield f"{line}: no command {word}"
                return
            command = found.load() if isinstance(found, LazyCommand) else found
        elif option := re.match(r"--[a-z][a-z-]*", word):
            known = {name for param in command.params for name in (*param.opts, *param.secondary_opts)}
            if option[0] not in known | {"--help"}:
                yield f"{line}: no option {option[0]}"


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: page.name)
def test_every_command_that_a_document_names_is_there(page: Path) -> None:
    assert [said for line in GIVEN.findall(page.read_text(encoding="utf-8")) for said in wrong(line)] == []


def test_a_command_or_an_option_that_is_not_there_is_found() -> None:
    assert list(wrong("queue status")) == list(wrong('key create zed "First key" --role admin')) == []
    assert list(wrong("queue stat")) == ["queue stat: no command stat"]
    assert list(wrong("release --everything")) == ["release --everything: no option --everything"]
