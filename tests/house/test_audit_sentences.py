"""Every action in the audit trail has a sentence, found by what the code writes and not from a list."""

import ast
import re
from collections.abc import Mapping
from pathlib import Path

from notify.staff.audit_sentences import SENTENCES

ROOT = Path(__file__).parents[2]
ACTION = re.compile(r"[a-z]+(-[a-z]+)*(\.[a-z]+(-[a-z]+)*)+")


def texts(node: ast.AST) -> set[str]:
    """The strings in an expression that look like an action."""
    found = {one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)}
    return {one for one in found if ACTION.fullmatch(one)}


def words(node: ast.AST) -> set[str]:
    """Every string in an expression."""
    return {one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)}


def actions_in(source: str) -> set[str]:
    """The actions that a module writes: said at once, handed on as a parameter, or begun in an f-string."""
    tree = ast.parse(source)
    functions = {one.name: one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)}
    found: set[str] = set()
    handed: dict[str, tuple[str, str]] = {}
    for name, function in functions.items():
        for said in said_in(function):
            if isinstance(said, ast.JoinedStr):
                if len(said.values) > 2 or not isinstance(said.values[0], ast.Constant):
                    continue  # where a form is sent to
                begun, rest = said.values
                assert isinstance(begun, ast.Constant)
                assert isinstance(rest, ast.FormattedValue)
                handed[name] = (str(begun.value), ast.unparse(rest.value))
            elif isinstance(said, ast.Name) and said.id in parameters(function):
                handed[name] = ("", said.id)
            else:
                found |= texts(function if isinstance(said, ast.Name) else said)
    return found | handed_over(tree, functions, handed)


def said_in(function: ast.FunctionDef) -> list[ast.expr]:
    """What stands behind `action=` in a function."""
    calls = [one for one in ast.walk(function) if isinstance(one, ast.Call)]
    return [keyword.value for call in calls for keyword in call.keywords if keyword.arg == "action"]


def parameters(function: ast.FunctionDef) -> list[str]:
    return [one.arg for one in (*function.args.args, *function.args.kwonlyargs)]


def handed_over(
    tree: ast.AST, functions: Mapping[str, ast.FunctionDef], handed: Mapping[str, tuple[str, str]]
) -> set[str]:
    """What the module's own calls give to functions that write the rest."""
    found: set[str] = set()
    for call in (one for one in ast.walk(tree) if isinstance(one, ast.Call)):
        if isinstance(call.func, ast.Name) and call.func.id in handed:
            begun, parameter = handed[call.func.id]
            given = dict(zip(parameters(functions[call.func.id]), call.args, strict=False))
            given |= {one.arg: one.value for one in call.keywords if one.arg}
            found |= {begun + one for one in words(given[parameter])} if parameter in given else set()
    return {one for one in found if ACTION.fullmatch(one)}


def actions() -> set[str]:
    sources = [path.read_text() for top in ("notify", "workers") for path in (ROOT / top).rglob("*.py")]
    return set().union(*(actions_in(source) for source in sources if "action=" in source))


def test_every_action_has_a_sentence_and_every_sentence_an_action() -> None:
    found = actions()
    assert len(found) > 100
    assert found - SENTENCES.keys() == set(), "Say it in notify/staff/audit_sentences.py"
    assert SENTENCES.keys() - found == set()


def test_an_action_is_found_however_it_is_written() -> None:
    source = """
def _note(session, deed):
    audit(session, action=f"thing.{deed}", subject="")
def _line(session, action):
    audit(session, action=action, subject="")
def decide(session, yes):
    action = "alert.yes" if yes else "alert.no"
    audit(session, action=action, subject="")
_note(s, "begin")
_line(s, "thing.seen")
audit(s, action="thing.done", subject="")
"""
    assert actions_in(source.replace("audit(s, ", "def run(s):\n    audit(s, ")) == {
        *("thing.begin", "thing.seen", "thing.done", "alert.yes", "alert.no"),
    }
