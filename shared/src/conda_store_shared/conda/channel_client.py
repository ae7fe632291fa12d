"""The HTTP client for channels: retries, and shows each channel the credential that is for it alone."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from urllib.parse import urlsplit

from rattler.networking import AddHeadersMiddleware, Client, RetryMiddleware

HeaderFinder = Callable[[str, str], dict[str, str] | None]
_RETRIES = 2


def channel_client(
    credentials: Mapping[str, str], *, retries: int = _RETRIES, timeout: int | None = None
) -> Client:
    """``credentials`` maps the address of a channel to the value of its Authorization header.

    ``timeout`` is in seconds for a whole request; without one a request takes as long as it takes.
    """
    return _client(tuple(sorted(credentials.items())), retries, timeout)


@lru_cache(maxsize=4)
def _client(credentials: tuple[tuple[str, str], ...], retries: int, timeout: int | None) -> Client:
    # Kept for the life of the process: reading the certificates takes longer than linking a small environment.
    middlewares: list[object] = [RetryMiddleware(retries)]
    if credentials:
        middlewares.append(AddHeadersMiddleware(header_finder(dict(credentials))))
    return Client(middlewares, timeout=timeout)


def header_finder(credentials: Mapping[str, str]) -> HeaderFinder:
    """A function from host and path of a request to the headers it is to carry."""
    known = [(urlsplit(address), value) for address, value in credentials.items()]
    # A channel's own credential stands before that of its whole host.
    known.sort(key=lambda entry: len(entry[0].path), reverse=True)

    def find(host: str, path: str) -> dict[str, str] | None:
        for address, value in known:
            below = address.path.rstrip("/")
            if host == address.hostname and (path == below or path.startswith(f"{below}/")):
                return {"Authorization": value}
        return None

    return find
