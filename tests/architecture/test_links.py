"""Links between pages lead somewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    path
    for pattern in ("*.md", "docs/**/*.md", "services/*/*.md", "deploy/**/*.md", "client/*.md", "benchmarks/*.md")
    for path in sorted(ROOT.glob(pattern))
]
_LINK = re.compile(r"\]\((?!\w+:)([^)#\s]+)[^)]*\)")
_CODE = re.compile(r"^```.*?^```|^ {4}[^\n]*$|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def dead_links(page: Path) -> list[str]:
    """Relative links to files that are not there."""
    found = _LINK.findall(_CODE.sub("", page.read_text()))
    return [link for link in found if not (page.parent / link).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_to_a_file(page: Path) -> None:
    assert dead_links(page) == []


def test_links_to_nothing_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("[here](page.md#part) [there](nothing.md) [away](https://example.org) `[code](x.md)`\n")
    assert dead_links(page) == ["nothing.md"]
