"""Bytes while anything is fetched, packages otherwise."""

from conda_store_shared.conda.install_progress import InstallProgress


class Heard:
    """A report that remembers."""

    def __init__(self) -> None:
        self.words: list[tuple[int, int, str]] = []

    def log(self, text: str) -> None:
        raise AssertionError(text)

    def progress(self, done: int, total: int, unit: str) -> None:
        self.words.append((done, total, unit))


def test_progress_tells_bytes_of_all_downloads_and_then_packages() -> None:
    heard = Heard()
    admitted: list[str] = []
    progress = InstallProgress(3, heard, admitted.append)
    first, second = progress.on_populate_cache_start(0, "numpy"), progress.on_populate_cache_start(1, "flask")
    numpy, flask = progress.on_download_start(first), progress.on_download_start(second)
    progress.on_download_progress(numpy, 50, 100)
    progress.on_download_progress(flask, 5, None)
    progress.on_link_complete(2)
    progress.on_download_progress(numpy, 100, 100)
    progress.on_download_completed(numpy)
    progress.on_download_progress(flask, 20, None)
    progress.on_download_completed(flask)
    progress.on_populate_cache_complete(first)
    assert admitted == ["numpy"]
    progress.on_link_complete(0)
    progress.on_link_complete(1)
    assert heard.words == [
        (50, 100, "bytes"),
        (55, 105, "bytes"),
        (105, 105, "bytes"),
        (120, 120, "bytes"),
        (2, 3, "packages"),
        (3, 3, "packages"),
    ]
    assert progress.archive_bytes == {"numpy": 100, "flask": 20}
