"""Platforms an environment can be locked for."""

# Those for which conda-lock knows selectors and virtual packages.
PLATFORMS = ("linux-64", "linux-aarch64", "linux-ppc64le", "osx-64", "osx-arm64", "win-64")
NOARCH = "noarch"

# Every subdir a package of some platform may lie in, as far as a lock that others made may have it.
SUBDIRS = (
    *PLATFORMS,
    "linux-32",
    "linux-armv6l",
    "linux-armv7l",
    "linux-ppc64",
    "linux-riscv32",
    "linux-riscv64",
    "linux-s390x",
    "linux-loongarch64",
    "win-32",
    "win-arm64",
    "freebsd-64",
    "zos-z",
    "emscripten-wasm32",
    "wasi-wasm32",
)
