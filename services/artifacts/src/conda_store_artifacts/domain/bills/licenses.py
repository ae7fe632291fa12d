"""Licenses as SPDX writes them: only what is certainly an expression of SPDX may be given as one.

The list is of those that packages of conda and PyPI mostly have; any other is told as the name it has.
"""

import re

_IDS = frozenset(
    re.findall(
        r"\S+",
        """
        0BSD AFL-2.1 AGPL-3.0-only AGPL-3.0-or-later Apache-2.0 Artistic-1.0 Artistic-1.0-Perl Artistic-2.0
        BSD-1-Clause BSD-2-Clause BSD-2-Clause-Patent BSD-3-Clause BSD-3-Clause-Attribution
        BSD-3-Clause-LBNL BSD-4-Clause BSL-1.0 BlueOak-1.0.0 CC-BY-3.0 CC-BY-4.0 CC-BY-SA-4.0 CC0-1.0
        CDDL-1.0 CECILL-2.1 CECILL-B CECILL-C CNRI-Python CPL-1.0 EPL-1.0 EPL-2.0 EUPL-1.2 FSFAP FTL
        GFDL-1.3-or-later GPL-1.0-or-later GPL-2.0-only GPL-2.0-or-later GPL-3.0-only GPL-3.0-or-later HPND
        HPND-sell-variant ICU IJG ISC Intel JSON JasPer-2.0 LGPL-2.0-only LGPL-2.0-or-later LGPL-2.1-only
        LGPL-2.1-or-later LGPL-3.0-only LGPL-3.0-or-later LPPL-1.3c Libpng MIT MIT-0 MIT-CMU MPL-1.1 MPL-2.0
        MulanPSL-2.0 NCSA NTP OFL-1.1 OLDAP-2.8 OML OpenSSL PHP-3.01 PSF-2.0 PostgreSQL Python-2.0
        Python-2.0.1 Qhull Ruby SGI-B-2.0 SISSL Sleepycat TCL UPL-1.0 Unicode-3.0 Unicode-DFS-2016 Unlicense
        Vim W3C WTFPL X11 ZPL-2.1 Zlib bzip2-1.0.6 curl libpng-2.0 libtiff zlib-acknowledgement
        """,
    )
)
_EXCEPTIONS = frozenset(
    re.findall(
        r"\S+",
        """
        Autoconf-exception-2.0 Autoconf-exception-3.0 Bison-exception-2.2 Classpath-exception-2.0
        GCC-exception-2.0 GCC-exception-3.1 LLVM-exception OCaml-LGPL-linking-exception Qt-GPL-exception-1.0
        """,
    )
)
_TOKEN = re.compile(r"\(|\)|[^\s()]+")
_OPERATORS = ("AND", "OR", "WITH")
# What a whole expression comes to, step by step: I for a license, E for an exception.
_STEPS = (("I WITH E", "I"), ("( I )", "I"), ("I AND I", "I"), ("I OR I", "I"))


def spdx_expression(text: str | None) -> str | None:
    """Return the text if it is an expression of SPDX for certain, else None."""
    tokens = _TOKEN.findall(text or "")
    kinds = " ".join(map(_kind, tokens))
    while (shorter := _shortened(kinds)) != kinds:
        kinds = shorter
    return " ".join(tokens).replace("( ", "(").replace(" )", ")") if kinds == "I" else None


def _kind(token: str) -> str:
    if token in ("(", ")", *_OPERATORS):
        return token
    if token in _EXCEPTIONS:
        return "E"
    return "I" if token in _IDS else "?"


def _shortened(kinds: str) -> str:
    for whole, result in _STEPS:
        if whole in kinds:
            return kinds.replace(whole, result, 1)
    return kinds
