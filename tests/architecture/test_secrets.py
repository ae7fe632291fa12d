"""Values that hold secrets do not tell them when they are shown, as in logs and tracebacks."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = [
    path
    for place in ("shared/src", "services/*/src", "deploy/standalone/src", "client/src")
    for path in sorted(ROOT.glob(f"{place}/**/*.py"))
    if "testing" not in path.parts
]
SECRET = frozenset(
    {"secret", "password", "client_secret", "secret_key", "signing_key", "credentials", "channel_credentials",
     "predefined_tokens", "amqp_url", "database_url"}
)  # fmt: skip


def shown_secrets(source: str) -> Iterator[str]:
    """Fields of dataclasses that are named as secrets are, and are shown."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef) and any("dataclass" in ast.unparse(one) for one in node.decorator_list):
            for field in node.body:
                if isinstance(field, ast.AnnAssign) and _is_shown(field):
                    yield f"{node.name}.{ast.unparse(field.target)}"


def _is_shown(field: ast.AnnAssign) -> bool:
    # Whether something is secret is none itself.
    is_secret = ast.unparse(field.target) in SECRET and ast.unparse(field.annotation) != "bool"
    return is_secret and "repr=False" not in (ast.unparse(field.value) if field.value is not None else "")


def test_no_value_shows_its_secrets() -> None:
    found = {str(path.relative_to(ROOT)): list(shown_secrets(path.read_text())) for path in SOURCES}
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize(
    ("field", "is_shown"),
    [("password: str", True), ("password: str = field(default='', repr=False)", False), ("name: str", False)],
)
def test_rule_finds_fields_that_are_shown(field: str, is_shown: bool) -> None:
    assert bool(list(shown_secrets(f"@dataclass(frozen=True)\nclass Options:\n    {field}\n"))) == is_shown
