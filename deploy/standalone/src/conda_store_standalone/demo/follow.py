"""Follows a build by asking: its state and what its log says since."""

import time
from collections.abc import Callable

from conda_store_standalone.demo.display import BuildDisplay
from conda_store_standalone.demo.failure import DemoFailed
from conda_store_standalone.demo.session import Build, Session

_PAUSE = 0.2
_BEGINNING = "0"


class Follower:
    """Follows one build and shows what happens; ``check`` raises when the server is gone."""

    def __init__(self, session: Session, build_id: int, display: BuildDisplay, check: Callable[[], None]) -> None:
        self._session = session
        self._build_id = build_id
        self._display = display
        self._check = check
        self._position = _BEGINNING

    def until_built(self, seconds: float) -> Build:
        """Follow until there is a prefix; raises DemoFailed with the reason when there will be none."""
        return self._follow(lambda build, _log_is_complete: build.status == "COMPLETED", seconds)

    def until_over(self, seconds: float) -> Build:
        """Follow until nothing is made of the build any more, which is when its log is complete."""
        return self._follow(lambda _build, log_is_complete: log_is_complete, seconds)

    def _follow(self, is_reached: Callable[[Build, bool], bool], seconds: float) -> Build:
        give_up_at = time.monotonic() + seconds
        while time.monotonic() < give_up_at:
            self._check()
            log_is_complete = self._show_log()
            build = self._session.build(self._build_id)
            self._display.show(build)
            if build.has_failed:
                raise DemoFailed(f"build {build.id} ended as {build.status}: {build.reason}")
            if is_reached(build, log_is_complete):
                return build
            time.sleep(_PAUSE)
        raise DemoFailed(f"build {self._build_id} has not come to an end within {seconds:.0f} s")

    def _show_log(self) -> bool:
        part = self._session.log(self._build_id, self._position)
        self._position = part.position
        for line in part.text.splitlines():
            self._display.line(line)
        return part.is_complete
