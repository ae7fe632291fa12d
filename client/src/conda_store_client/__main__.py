"""Where the command begins, as `conda-store` and as `python -m conda_store_client`."""

import sys
from importlib import import_module

_INTERRUPTED = 130


def start() -> int:
    """Run the command and return its exit status, whenever it is interrupted."""
    try:
        import_module("conda_store_client.interruption").listen()
        # Loading it takes a while, in which somebody may change their mind.
        status: int = import_module("conda_store_client.main").main()
    except KeyboardInterrupt:
        return _INTERRUPTED
    return status


if __name__ == "__main__":
    sys.exit(start())
