"""What every command of the suite understands (contract §6.2)."""

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from conda_store_shared.config.describe import options_help

_EPILOG = """\
Any option may be given as --Class.option=value and counts more than the configuration file:

  {program} --config conda_store_config.py --CondaStoreServer.port=8081

--generate-config > conda_store_config.py begins a configuration file, --help-all tells what each option means.
"""


class _HelpAll(argparse.Action):
    """Prints the help, and every option with its meaning."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        sys.stdout.write(f"{parser.format_help()}\n{options_help()}")
        parser.exit()


def parser(program: str, description: str, package: str) -> argparse.ArgumentParser:
    """Return the parser every command starts from; ``package`` is whose version it tells."""
    made = argparse.ArgumentParser(
        prog=program,
        description=description,
        epilog=_EPILOG.format(program=program),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        # An option of a class may begin like one of ours.
        allow_abbrev=False,
    )
    made.add_argument("--help-all", action=_HelpAll, nargs=0, help="show this, and every --Class.option, and exit")
    made.add_argument("--version", action="version", version=version(package))
    made.add_argument("--config", metavar="FILE", help="configuration file: Python with `c` in scope, or JSON")
    made.add_argument(
        "--generate-config", action="store_true", help="write a configuration file with every option commented out"
    )
    made.add_argument(
        "--show-config", action="store_true", help="show every option and where its value comes from, secrets masked"
    )
    return made
