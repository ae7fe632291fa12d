"""The command `conda-store` as somebody without a terminal calls it, in this process."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from conda_store_client.main import main

_NOT_SET = ("URL", "AUTH", "NO_VERIFY", "TOKEN", "USERNAME", "PASSWORD")


@dataclass(frozen=True, slots=True)
class Told:
    """What a command printed on standard output and on standard error."""

    out: str
    err: str


class Caller:
    """Calls the command for one server; tokens are kept in ``tokens``."""

    def __init__(self, url: str, directory: Path) -> None:
        self.url = url
        self.tokens = directory / "conda-store" / "tokens.json"
        self._variables: dict[str, str | None] = {f"CONDA_STORE_{name}": None for name in _NOT_SET}
        self._variables["XDG_CONFIG_HOME"] = str(directory)

    def __call__(
        self, *arguments: str, status: int = 0, typed: str = "", variables: Mapping[str, str] | None = None
    ) -> Told:
        """Call the command with ``typed`` on its standard input; it is to end with this status."""
        runner = CliRunner()
        with runner.isolation(input=typed, env={**self._variables, **(variables or {})}) as (out, err, _both):
            ended = _ending(["--conda-store-url", self.url, *arguments])
        told = Told(out.getvalue().decode(), err.getvalue().decode())
        assert ended == status, told
        return told


def _ending(arguments: Sequence[str]) -> object:
    try:
        return main(arguments)
    except SystemExit as ended:
        # What answers a shell that completes words ends the process.
        return ended.code
