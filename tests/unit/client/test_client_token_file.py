"""Tokens that a login leaves behind: where they are, who can read them, which server gets which."""

import stat
from pathlib import Path

import pytest

from conda_store_client.errors import ClientError
from conda_store_client.token_file import StoredToken, TokenFile, token_path

ONE, OTHER = "https://one.example/prefix", "https://other.example"
TOKEN = StoredToken(token="very.secret.token", namespace="ml", expires_on="2026-11-27T11:00:00Z")


@pytest.fixture
def tokens(tmp_path: Path) -> TokenFile:
    return TokenFile(tmp_path / "config" / "conda-store" / "tokens.json")


def test_token_is_kept_for_its_server_alone(tokens: TokenFile) -> None:
    assert tokens.find(ONE) is None
    tokens.put(ONE, TOKEN)
    tokens.put(OTHER, StoredToken(token="another"))
    assert tokens.find(ONE) == TOKEN
    assert tokens.find(OTHER) == StoredToken(token="another")
    assert tokens.find("https://third.example") is None


def test_token_is_gone_when_it_is_removed(tokens: TokenFile) -> None:
    tokens.put(ONE, TOKEN)
    tokens.put(OTHER, TOKEN)
    tokens.remove(ONE)
    assert (tokens.find(ONE), tokens.find(OTHER)) == (None, TOKEN)
    assert tokens.path.read_text().count(TOKEN.token) == 1


def test_tokens_can_be_read_by_their_owner_alone(tokens: TokenFile) -> None:
    tokens.put(ONE, TOKEN)
    assert stat.S_IMODE(tokens.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(tokens.path.parent.stat().st_mode) == 0o700
    assert [path.name for path in tokens.path.parent.iterdir()] == ["tokens.json"]


def test_tokens_are_refused_when_others_can_read_them(tokens: TokenFile) -> None:
    tokens.put(ONE, TOKEN)
    tokens.path.chmod(0o640)
    with pytest.raises(ClientError, match="can be read by others") as refusal:
        tokens.find(ONE)
    assert "chmod 600" in refusal.value.detail


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"https://one.example/prefix": "text"}', '{"https://one.example/prefix": {}}']
)
def test_damaged_file_is_told_with_its_remedy(tokens: TokenFile, content: str) -> None:
    tokens.path.parent.mkdir(parents=True)
    tokens.path.touch(mode=0o600)
    tokens.path.write_text(content)
    with pytest.raises(ClientError, match="is damaged") as refusal:
        tokens.find(ONE)
    assert "conda-store login" in refusal.value.detail


def test_file_that_cannot_be_written_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "conda-store").write_text("no directory")
    with pytest.raises(ClientError, match="cannot write"):
        TokenFile(tmp_path / "conda-store" / "tokens.json").put(ONE, TOKEN)


def test_link_to_the_file_stays_a_link(tokens: TokenFile, tmp_path: Path) -> None:
    tokens.path.parent.mkdir(parents=True)
    tokens.path.symlink_to(tmp_path / "elsewhere.json")
    tokens.put(ONE, TOKEN)
    assert tokens.path.is_symlink()
    assert tokens.find(ONE) == TOKEN


def test_token_stands_in_no_representation() -> None:
    assert TOKEN.token not in repr(TOKEN)


@pytest.mark.parametrize("configured", ["", "relative/path"])
def test_tokens_are_below_the_home_unless_another_directory_is_configured(configured: str) -> None:
    assert token_path({"XDG_CONFIG_HOME": configured}) == Path("~/.config/conda-store/tokens.json").expanduser()
    assert token_path({"XDG_CONFIG_HOME": "/etc/xdg"}) == Path("/etc/xdg/conda-store/tokens.json")
