"""Sizes and times for people."""

_UNITS = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi")
_MINUTE, _HOUR = 60, 3600


def format_size(size: float) -> str:
    """A number of bytes with one decimal and a binary unit: ``114.6MiB``."""
    for unit in _UNITS:
        if abs(size) < 1024:
            return f"{size:3.1f}{unit}B"
        size /= 1024
    return f"{size:.1f}YiB"


def format_moment(moment: str) -> str:
    """A moment as the server writes it (ISO 8601, UTC) to the minute: ``2026-11-22 11:07``."""
    return moment[:16].replace("T", " ")


def format_seconds(seconds: float) -> str:
    """A duration: ``3.4 s``, ``2 min 05 s``, ``1 h 02 min``."""
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    if seconds < _HOUR:
        return f"{int(seconds) // _MINUTE} min {int(seconds) % _MINUTE:02} s"
    return f"{int(seconds) // _HOUR} h {int(seconds) % _HOUR // _MINUTE:02} min"
