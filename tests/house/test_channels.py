"""One place knows a channel: every channel is described wholly there, and nowhere else is a second table."""

import ast
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields
from pathlib import Path

import pytest
from jinja2 import nodes

from notify.channels import BY_COLUMN, BY_FIELD, CHANNELS, Channel, ChannelInfo, info, label
from notify.core.rendering import TEMPLATES, environment
from notify.core.settings import Settings
from notify.providers.addresses import AddressNotValid, normalise

ROOT = TEMPLATES.parent
NAMES = {*Channel, *BY_FIELD, *BY_COLUMN}
# what only some channels have
MAY_BE_EMPTY = {"emergency_setting", "templates", "synonyms", "hint", "address_hint", "input_autocomplete"}
MAY_BE_NONE = {"input_longest"}
# a row of a file or form that happens to hold two addresses, and tells no fact about channels
EXCEPTIONS = {
    "notify/channels.py": "the one place",
    "notify/demo/council.py": "writes rows of the file of residents that the demonstration imports",
}
ADDRESSES = ("resident@example.org", "07700 900123", "https://example.org/alerts")


def names_of(mapping: ast.Dict | ast.Call) -> set[str]:
    """The names of channels among the keys of a mapping in Python."""
    if isinstance(mapping, ast.Call):
        is_dict = isinstance(mapping.func, ast.Name) and mapping.func.id == "dict"
        return {one.arg for one in mapping.keywords if one.arg} & NAMES if is_dict else set()
    found = set()
    for key in mapping.keys:
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            found.add(key.value)
        elif isinstance(key, ast.Attribute) and isinstance(key.value, ast.Name) and key.value.id == "Channel":
            found.add(Channel[key.attr].value)
    return found & NAMES


def tables_in_python(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Dict | ast.Call) and len(names_of(node)) > 1:
            yield f"{path.relative_to(ROOT)}:{node.lineno}: {', '.join(sorted(names_of(node)))}"


def tables_in_template(source: str) -> Iterator[str]:
    for table in environment("pages").parse(source).find_all(nodes.Dict):
        found = {pair.key.value for pair in table.items if isinstance(pair.key, nodes.Const)} & NAMES
        if len(found) > 1:
            yield f"{table.lineno}: {', '.join(sorted(found))}"


def test_no_module_holds_a_second_table_of_channels() -> None:
    modules = [path for folder in ("notify", "workers") for path in (ROOT / folder).rglob("*.py")]
    kept = [path for path in modules if "migrations" not in path.parts]
    assert [
        one for path in kept if str(path.relative_to(ROOT)) not in EXCEPTIONS for one in tables_in_python(path)
    ] == []


def test_no_template_holds_a_second_table_of_channels() -> None:
    templates = [path for path in TEMPLATES.rglob("*") if path.suffix in {".html", ".txt"}]
    assert [f"{path.name}:{one}" for path in templates for one in tables_in_template(path.read_text())] == []


def test_a_second_table_would_be_found() -> None:
    for source in ("A = {Channel.SMS: 1, Channel.EMAIL: 2}", "A = {'sms': 1, 'voice': 2}", "A = dict(sms=1, voice=2)"):
        (found,) = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Dict | ast.Call))
        assert len(names_of(found)) == 2
    assert list(tables_in_template('{{ {"email": {"text": 1}, "mobile": {"text": 2}}[way] }}')) == ["1: email, mobile"]


def test_every_exception_is_still_needed() -> None:
    assert [
        name for name in EXCEPTIONS if name != "notify/channels.py" if not list(tables_in_python(ROOT / name))
    ] == []


def test_every_channel_is_described() -> None:
    assert set(CHANNELS) == set(Channel)
    assert all(channel is about.channel for channel, about in CHANNELS.items())
    assert len(BY_FIELD) == len(BY_COLUMN) == len({about.label for about in CHANNELS.values()}) == len(Channel)


@pytest.mark.parametrize("about", CHANNELS.values(), ids=lambda about: about.channel.value)
def test_what_is_said_of_a_channel_is_complete(about: ChannelInfo) -> None:
    empty = {one.name for one in fields(about) if getattr(about, one.name) in ("", ())}
    none = {one.name for one in fields(about) if getattr(about, one.name) is None}
    assert (empty - MAY_BE_EMPTY, none - MAY_BE_NONE) == (set(), set())
    named = {about.providers_setting, about.emergency_setting} - {""}
    assert named <= Settings.model_fields.keys()
    assert not about.templates or (TEMPLATES / about.templates / "alert.txt").is_file()
    assert bool(about.templates) == about.is_for_people


@pytest.mark.parametrize("channel", Channel)
def test_a_channel_has_a_rule_for_its_addresses(channel: Channel) -> None:
    taken = []
    for address in ADDRESSES:
        with suppress(AddressNotValid):
            taken.append(normalise(channel, address))
    assert taken


def test_staff_read_the_words_of_the_vocabulary() -> None:
    assert [about.label for about in CHANNELS.values()] == ["Email", "Text message", "Phone call", "Webhook"]
    assert (label("sms"), label("pigeon")) == ("Text message", "pigeon")
    with pytest.raises(ValueError, match="pigeon"):
        info("pigeon")
