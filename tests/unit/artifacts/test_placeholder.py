"""Binary files are packed with the placeholder they were packaged with."""

from hypothesis import given
from hypothesis import strategies as st

from conda_store_artifacts.adapters.conda_pack_archive import restore_placeholder

PLACEHOLDER = b"/opt/placehold_placehold_placehold_placehold"
PREFIX = b"/store/prefix"


def install(content: bytes) -> bytes:
    """As an installer does: replace in every text that ends with NUL, and pad it with NULs to its old size."""
    texts = content.split(b"\0")
    return b"\0".join(text.replace(PLACEHOLDER, PREFIX).ljust(len(text), b"\0") for text in texts[:-1]) + b"\0"


def test_placeholder_is_restored_and_the_size_kept() -> None:
    packaged = b"\x7fELF\0" + PLACEHOLDER + b"/lib:" + PLACEHOLDER + b"/lib64\0tail\0" + PLACEHOLDER + b"\0"
    installed = install(packaged)
    assert installed != packaged
    assert restore_placeholder(installed, PREFIX, PLACEHOLDER) == packaged


def test_text_without_padding_is_left_alone() -> None:
    content = b"\0" + PREFIX + b"/lib\0next text\0"
    assert restore_placeholder(content, PREFIX, PLACEHOLDER) == content


def test_content_without_the_prefix_is_left_alone() -> None:
    assert restore_placeholder(b"\0\1\2", PREFIX, PLACEHOLDER) == b"\0\1\2"


parts = st.sampled_from([PLACEHOLDER, b"\0", b"/lib", b"\xff", b"\n", b"x" * 9])


@given(st.lists(parts, max_size=30))
def test_restoring_undoes_any_installation(chosen: list[bytes]) -> None:
    packaged = b"".join(chosen) + b"\0"
    restored = restore_placeholder(install(packaged), PREFIX, PLACEHOLDER)
    assert len(restored) == len(packaged)
    assert restored == packaged
