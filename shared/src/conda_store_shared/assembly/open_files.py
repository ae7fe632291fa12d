"""How many files and connections this process may have open."""

import resource

# More than streams and connections to what a service stands on ever are.
_WANTED = 65536


def allow_many_open_files() -> None:
    """Raise the soft limit, 1024 in many places, as far as the hard one and what a server needs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED if hard == resource.RLIM_INFINITY else min(_WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
