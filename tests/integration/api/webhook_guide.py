"""The programs on the page about webhooks, taken from it and run as they stand."""

import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from conda_store_shared.testing.servers.process import ServerProcess, accepts_connections, free_port

PAGE = Path(__file__).parents[3] / "docs/how-to/webhooks.md"
_BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
_NAME = re.compile(r"^(?:#|//) (?P<name>[\w.]+\.(?:py|js|sh))\b", re.MULTILINE)
# What runs a file, by its ending.
RUNTIMES: Mapping[str, str | None] = {".py": sys.executable, ".js": shutil.which("node"), ".sh": shutil.which("bash")}


def blocks(language: str) -> list[str]:
    """The blocks of a language, in their order."""
    return [found["text"] for found in _BLOCK.finditer(PAGE.read_text()) if found["language"] == language]


def programs() -> Mapping[str, str]:
    """The programs by the names that they are given in their first lines."""
    texts = [found["text"] for found in _BLOCK.finditer(PAGE.read_text())]
    return {name["name"]: text for text in texts if (name := _NAME.search(text[:100])) is not None}


def write_programs(directory: Path) -> None:
    """Leave them in a directory."""
    for name, text in programs().items():
        (directory / name).write_text(text)


class GuideServer(ServerProcess):
    """A receiver of the page; what it says stands in its log."""

    start_timeout = 20.0

    def __init__(self, program: str, secret: str = "", **environment: str) -> None:
        self.name = program.partition(".")[0]
        super().__init__()
        self.program = program
        self.secret = secret
        self.port = free_port()
        self._environment = environment

    def prepare(self) -> None:
        write_programs(self.directory)

    def command(self) -> Sequence[str | Path]:
        runtime = RUNTIMES[Path(self.program).suffix]
        assert runtime is not None
        return [runtime, self.directory / self.program]

    def environment(self) -> Mapping[str, str]:
        return {"WEBHOOK_SECRET": self.secret, "PORT": str(self.port), **self._environment}

    def is_ready(self) -> bool:
        return accepts_connections(self.port)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}/"
