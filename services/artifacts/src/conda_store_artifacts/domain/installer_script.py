"""The head of an installer: a shell script that checks and unpacks the archive behind it.

installer/<build_key>.sh  =  this script, an archive (tar, gzip), the SHA-256 of both as a line of 64 digits
"""

import shlex
from dataclasses import dataclass

_SIZE_WIDTH = 8
_SYSTEMS = {
    "linux-64": ("Linux", "x86_64"),
    "linux-aarch64": ("Linux", "aarch64"),
    "linux-ppc64le": ("Linux", "ppc64le"),
    "osx-64": ("Darwin", ""),
    "osx-arm64": ("Darwin", "arm64"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallerScript:
    """What the head tells and does.

    ``longest_prefix`` is in bytes, 0 when nobody knows; it ``mends`` paths by conda-unpack.
    """

    namespace: str
    environment: str
    build_key: str
    platform: str
    longest_prefix: int
    mends: bool

    def to_bytes(self) -> bytes:
        """The script, which ends with its last newline; the archive follows at once."""
        system, machine = _SYSTEMS.get(self.platform, ("", ""))
        told = {
            "@ENVIRONMENT@": shlex.quote(_printable(self.environment)),
            "@BUILD@": shlex.quote(_printable(f"{self.namespace}/{self.environment}, build {self.build_key}")),
            "@PLATFORM@": shlex.quote(_printable(self.platform)),
            "@SYSTEM@": system,
            "@MACHINE@": machine,
            "@LONGEST@": str(self.longest_prefix),
            "@MENDS@": "yes" if self.mends else "no",
        }
        text = _SCRIPT
        for name, value in told.items():
            text = text.replace(name, value)
        size = len(text.replace("@SIZE@", " " * _SIZE_WIDTH).encode())
        return text.replace("@SIZE@", f"{size:<{_SIZE_WIDTH}}").encode()


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)


_SCRIPT = r"""#!/bin/sh
# A conda environment that installs itself; `sh FILE -h` tells how.  An archive follows the last line of this script.
set -u

head_size=@SIZE@# bytes of this script
seal_size=65      # the last line of the file: the SHA-256 of all before it

environment=@ENVIRONMENT@
build=@BUILD@
platform=@PLATFORM@
system='@SYSTEM@'
machine='@MACHINE@'
longest=@LONGEST@
mends=@MENDS@

usage() {
    cat <<END
usage: sh ${0##*/} [-b] [-p PREFIX]

Installs the conda environment $build, for $platform.
Nothing is fetched from anywhere.

-b         batch mode: ask nothing
-p PREFIX  where to install; does not exist yet  [default: $HOME/$environment]
-h         print this and exit

Exit codes: 0 installed; 1 not installed, and nothing left behind; 2 wrong options, or not possible here;
3 this file is damaged.
END
}

fail() {
    code=$1
    shift
    printf 'ERROR: %s\n' "$*" >&2
    exit "$code"
}

sha256() {
    case $hasher in
        sha256sum) sha256sum ;;
        shasum) shasum -a 256 ;;
        openssl) openssl dgst -sha256 -r ;;
    esac | cut -d ' ' -f 1
}

HOME=${HOME:-}
batch=no
prefix=
while getopts 'bfhp:u' option; do
    case $option in
        b) batch=yes ;;
        p) prefix=$OPTARG
           [ -n "$prefix" ] || fail 2 '-p needs the path of a directory' ;;
        h) usage; exit 0 ;;
        f | u) fail 2 "-$option is not supported: remove what exists, or choose another PREFIX" ;;
        *) usage >&2; exit 2 ;;
    esac
done
shift $((OPTIND - 1))
[ $# -eq 0 ] || { usage >&2; fail 2 "unexpected argument: $1"; }

[ -f "$0" ] && [ -r "$0" ] || fail 2 'run this as a file: sh FILE'
case $(uname -s) in
    "$system") ;;
    *) [ -z "$system" ] || fail 2 "this environment is for $platform, and this machine runs $(uname -s)" ;;
esac
case $(uname -m) in
    "$machine") ;;
    *) [ -z "$machine" ] || fail 2 "this environment is for $platform, and this machine is $(uname -m)" ;;
esac
for program in cut dirname gzip head mkdir rm tail tar wc; do
    command -v "$program" >/dev/null 2>&1 || fail 2 "$program is needed, and not here"
done
hasher=
for program in openssl shasum sha256sum; do
    command -v "$program" >/dev/null 2>&1 && hasher=$program
done
[ -n "$hasher" ] || fail 2 'none of sha256sum, shasum and openssl is here to check this file with'

if [ "$batch" = no ]; then
    printf 'This installs the conda environment %s.\n' "$build"
    if [ -z "$prefix" ]; then
        printf 'Where to? [%s] ' "${HOME:+$HOME/}$environment"
        IFS= read -r prefix || { echo; fail 2 'nobody answers; use -b to install without questions'; }
        case $prefix in
            '~/'*) prefix=$HOME/${prefix#'~/'} ;;
        esac
    else
        printf 'Install it to %s? [yes|no] ' "$prefix"
        IFS= read -r answer || { echo; fail 2 'nobody answers; use -b to install without questions'; }
        case $answer in
            y | Y | yes | YES | Yes) ;;
            *) fail 1 'not installed' ;;
        esac
    fi
fi
if [ -z "$prefix" ]; then
    [ -n "$HOME" ] || fail 2 'there is no home directory; say where to install with -p PREFIX'
    prefix=$HOME/$environment
fi
case $prefix in
    /*) ;;
    *) prefix=$(pwd)/$prefix ;;
esac
while [ "$prefix" != "${prefix%/}" ] && [ -n "${prefix%/}" ]; do
    prefix=${prefix%/}
done
case $prefix in
    *[[:space:]]*) fail 2 "programs of a conda environment do not work below a path with spaces: '$prefix'" ;;
esac
if [ -e "$prefix" ] || [ -L "$prefix" ]; then
    fail 1 "$prefix exists; remove it, or choose another PREFIX"
fi
length=$(printf %s "$prefix" | wc -c)
if [ "$longest" -gt 0 ] && [ "$length" -gt "$longest" ]; then
    fail 2 "$prefix is too long: it has $length bytes, and there is room for $longest in the programs"
fi

size=$(wc -c <"$0")
payload=$((size - head_size - seal_size))
seal=$(tail -c "$seal_size" "$0" 2>/dev/null | tr -d '\000\n')
digest=
[ "$payload" -gt 0 ] && digest=$(head -c $((size - seal_size)) "$0" | sha256)
if [ -z "$digest" ] || [ "$digest" != "$seal" ]; then
    fail 3 "$0 is damaged or incomplete: its SHA-256 is not the one it tells; download it again"
fi

parent=$(dirname "$prefix")
first=
above=$parent
while [ ! -d "$above" ]; do
    [ ! -e "$above" ] || fail 2 "$above is no directory"
    first=$above
    above=$(dirname "$above")
done
made=no
done=no
clean_up() {
    status=$?
    trap - EXIT
    if [ "$done" = no ]; then
        [ "$made" = no ] || rm -rf "$prefix"
        while [ -n "$first" ]; do
            rmdir "$parent" 2>/dev/null || break
            [ "$parent" != "$first" ] || break
            parent=$(dirname "$parent")
        done
        [ "$status" -ne 0 ] || status=1
    fi
    exit "$status"
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir -p "$parent" || fail 1 "$parent cannot be made"
# Not -p: of two that install to the same place at once, one finds that it exists.
mkdir "$prefix" || fail 1 "$prefix cannot be made"
made=yes

echo "unpacking to $prefix"
tail -c +$((head_size + 1)) "$0" | head -c "$payload" | gzip -dc | tar -xof - -C "$prefix" ||
    fail 1 "the environment could not be unpacked to $prefix; is there room on that disk?"
if [ "$mends" = yes ]; then
    python=$prefix/bin/python
    [ -x "$python" ] || fail 1 "there is no python in the environment to mend its paths with"
    "$python" -E -s -B -c 'pass' || fail 1 "the python of the environment does not run on this machine"
    "$python" -E -s -B "$prefix/bin/conda-unpack" || fail 1 "the paths in $prefix could not be mended"
    # Where it is known for good, commands need no activation.
    "$python" -E -s -B - "$prefix" <<'END' || fail 1 "the commands in $prefix/bin could not be mended"
import os
import re
import sys

directory = os.path.join(sys.argv[1], "bin")
for name in sorted(os.listdir(directory)):
    path = os.path.join(directory, name)
    if os.path.islink(path) or not os.path.isfile(path):
        continue
    with open(path, "rb") as file:
        found = re.match(rb"#!/usr/bin/env (python[0-9.]*t?)([^\n]*)\n", file.readline(200))
        if not found or not os.path.exists(os.path.join(directory, os.fsdecode(found[1]))):
            continue
        rest = file.read()
    first = b"#!" + os.fsencode(directory) + b"/" + found[1] + found[2] + b"\n"
    # Linux reads no more than 127 bytes of it.
    if len(first) <= 127:
        with open(path, "wb") as file:
            file.write(first + rest)
END
fi
done=yes
echo "installed; to activate it: . $prefix/bin/activate"
exit 0
"""
