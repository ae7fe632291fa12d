"""What a call says while it runs."""

from typing import Protocol


class Report(Protocol):
    """Where a call's words go: in the child to the parent, in the parent to whoever asked."""

    def log(self, text: str) -> None:
        """One line, or several parted by newlines, for the build's log."""

    def progress(self, done: int, total: int, unit: str) -> None:
        """``done`` of ``total`` units ("packages", "bytes") are ready."""


class SilentReport:
    """For callers who want the result alone."""

    def log(self, text: str) -> None:
        """Forget the text."""

    def progress(self, done: int, total: int, unit: str) -> None:
        """Forget the progress."""
