"""Platforms an environment can be locked for."""

# Those for which conda-lock knows selectors and virtual packages.
PLATFORMS = ("linux-64", "linux-aarch64", "linux-ppc64le", "osx-64", "osx-arm64", "win-64")
NOARCH = "noarch"
