"""Which licenses are given as expressions of SPDX."""

import pytest
from packaging.licenses import canonicalize_license_expression

from conda_store_artifacts.domain.bills.licenses import _IDS, spdx_expression


@pytest.mark.parametrize(
    "text",
    [
        "MIT",
        "Apache-2.0 OR MIT",
        "(MIT OR BSD-3-Clause) AND PSF-2.0",
        "GPL-3.0-only WITH GCC-exception-3.1",
        "LGPL-2.1-or-later AND (Zlib OR (MIT AND ISC))",
    ],
)
def test_expression_of_spdx_is_kept_as_it_is(text: str) -> None:
    assert spdx_expression(text) == text
    assert canonicalize_license_expression(text) == text


@pytest.mark.parametrize(
    "text",
    [None, "", "BSD 3-Clause", "MIT License", "Apache 2.0", "MIT OR", "(MIT", "MIT)", "MIT AND OR ISC", "AND",
     "MIT ISC", "MIT WITH MIT", "GCC-exception-3.1", "Proprietary", "I", "I AND I"],
)  # fmt: skip
def test_text_is_no_expression_when_that_is_not_certain(text: str | None) -> None:
    assert spdx_expression(text) is None


def test_every_license_of_the_list_is_one_of_spdx() -> None:
    assert {one for one in _IDS if canonicalize_license_expression(one) != one} == set()
