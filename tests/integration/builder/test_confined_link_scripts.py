"""What a link script can do in its sandbox: change its prefix, and nothing else."""

import asyncio
import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from conda_store_shared.child import processes
from conda_store_shared.conda.sandbox.confinement import OFF
from tests.integration.builder.conftest import TinyPackage, Workbench, lockfile_of

# Every line is tried; what succeeds is told.
TRIES = """
try() { name=$1; shift; if "$@" >"$PREFIX/share/heard" 2>&1; then echo "$name" >> "$PREFIX/share/succeeded"; fi; }
try write touch "$PREFIX/share/own"
try temporary touch /tmp/own "$TMPDIR/own"
try null sh -c ': > /dev/null'
try environment grep -qa SECRET /proc/1/environ
try parent cat /proc/1/environ
try service test -e /proc/{service}
try sibling sh -c 'test $(ls -A {sibling} | wc -l) -gt 1'
try cache ls {cache}
try objects ls {objects}
try home ls {home}
try network bash -c 'echo > /dev/tcp/127.0.0.1/{port}'
try system touch /usr/share/planted
try kernel sh -c 'echo x > /proc/sys/kernel/core_pattern'
try user unshare --user true
try device mknod "$PREFIX/share/device" c 1 3
try debug sh -c 'test -e /sys/kernel'
try descriptors sh -c 'test $(ls /proc/self/fd | wc -l) -gt 4'
printenv | cut -d= -f1 | sort | grep -v -e ^_$ -e ^OLDPWD$ > "$PREFIX/share/variables"
"""


def script(bench: Workbench, port: int) -> str:
    names = {
        "service": str(os.getpid()),
        "sibling": str(bench.store_directory / "ns"),
        "cache": str(bench.store_directory / ".cache"),
        "objects": str(bench.root / "objects"),
        "home": str(Path.home()),
        "port": str(port),
    }
    text = TRIES
    for name, value in names.items():
        text = text.replace(f"{{{name}}}", value)
    return text


async def test_link_script_reaches_its_prefix_alone_and_a_build_beside_it_goes_on(bench: Workbench) -> None:
    secrets = {"TOKEN": "SECRET"}
    async with asyncio.timeout(60), bench.builder(sandbox="required", environment=secrets) as builder:
        server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        curious = TinyPackage(name="curious", files={"share/text": b""}, post_link=script(bench, port))
        requests = [
            await bench.request(lockfile_of(bench.tiny(curious))),
            await bench.request(lockfile_of(bench.tiny(TinyPackage(name="quiet", files={"share/quiet": b""})))),
        ]
        await asyncio.gather(*map(builder.built, requests))
        server.close()
    share = bench.path_of(requests[0]) / "share"
    assert (share / "succeeded").read_text().split() == ["write", "temporary", "null"]
    variables = {*(share / "variables").read_text().split()} - {"LANG", "LC_ALL", "LC_CTYPE", "TZ"}
    prefixes = {"PREFIX", "CONDA_PREFIX", "ROOT_PREFIX"}
    assert variables == prefixes | {"PATH", "HOME", "TMPDIR", "PWD", "SHLVL", "PKG_NAME", "PKG_VERSION", "PKG_BUILDNUM"}
    assert "runs in a sandbox" in builder.ledger.log()
    owner = (share / "own").stat()
    assert (owner.st_uid, owner.st_gid) == (os.geteuid(), os.getegid())
    assert [path.name for path in bench.path_of(requests[0]).glob(".scratch-*")] == []


async def test_link_script_cannot_change_the_cache_through_a_shared_file(bench: Workbench) -> None:
    shared = TinyPackage(name="shared-file", files={"share/conf": b"original\n"})
    editor = TinyPackage(
        name="editor",
        depends=("shared-file",),
        post_link='echo edited > "$PREFIX/share/conf"; chmod 777 "$PREFIX/share/conf"\n',
    )
    async with bench.builder(sandbox="required") as builder:
        first = await bench.request(lockfile_of(bench.tiny(shared)))
        await builder.built(first)
        await builder.built(await bench.request(lockfile_of(bench.tiny(shared), bench.tiny(editor))))
    kept = bench.path_of(first) / "share/conf"
    assert (kept.read_text(), stat.S_IMODE(kept.stat().st_mode)) == ("original\n", 0o644)


async def test_nothing_a_link_script_started_is_left_when_it_ends(bench: Workbench) -> None:
    daemon = TinyPackage(name="daemon", post_link="setsid sh -c 'exec -a left-by-a-script sleep 300' &\n")
    async with bench.builder(sandbox="required") as builder:
        await builder.built(await bench.request(lockfile_of(bench.tiny(daemon))))
        assert [pid for pid in processes.descendants(os.getpid()) if "left-by-a-script" in command_of(pid)] == []


def command_of(pid: int) -> str:
    # Servers of other tests run programs of the same name.
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('ln -s {secret} "$PREFIX/.messages.txt"', None),
        ('mkfifo "$PREFIX/.messages.txt" "$PREFIX/share/pipe"', None),
        ('chmod 4755 "$PREFIX/share/text"', None),
        ('mv "$PREFIX/conda-meta" "$PREFIX/moved"; ln -s {elsewhere} "$PREFIX/conda-meta"', "link_script_failed"),
        ('ln -s {secret} "$PREFIX/conda-meta/x.json"', "link_script_failed"),
        ('ln -s {elsewhere} "$PREFIX/share/data"', "link_script_failed"),
        ("ulimit -c; head -c 100000000 /dev/zero > /dev/shm/much", "link_script_failed"),
    ],
)
async def test_what_a_link_script_leaves_leads_the_service_nowhere(
    bench: Workbench, text: str, code: str | None
) -> None:
    secret, elsewhere = bench.root / "secret", bench.root / "elsewhere"
    secret.write_text('{"hidden": "words"}')
    elsewhere.mkdir()
    text = text.replace("{secret}", str(secret)).replace("{elsewhere}", str(elsewhere))
    package = TinyPackage(name="layer", files={"share/text": b""}, modes={"share/text": 0o755}, post_link=text)
    async with bench.builder(sandbox="required") as builder:
        request = await bench.request(lockfile_of(bench.tiny(package)))
        if code is None:
            await builder.built(request)
            entries = [path.lstat().st_mode for path in bench.path_of(request).rglob("*")]
            assert all(stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode) for mode in entries)
            assert [mode for mode in entries if mode & (stat.S_ISUID | stat.S_ISGID)] == []
        else:
            failure = await builder.failed(request)
            assert failure.code == code
            assert "layer" in failure.detail or "a post-link script" in failure.detail
        assert "words" not in builder.ledger.log()
    assert list(elsewhere.iterdir()) == []


async def test_link_script_that_fails_is_told_of_the_sandbox_when_it_ran_in_one(bench: Workbench) -> None:
    package = bench.tiny(TinyPackage(name="fetcher", post_link="exit 7"))
    for mode, told in (("required", True), ("off", False)):
        async with bench.builder(sandbox=mode) as builder:
            failure = await builder.failed(await bench.request(lockfile_of(package)))
        assert "fetcher 1.0 ended with status 7" in failure.detail
        assert ("it had no network" in failure.detail) == told


async def test_link_script_runs_as_it_is_when_the_sandbox_is_off(bench: Workbench) -> None:
    package = TinyPackage(name="free", post_link=f'test -d {bench.root} && touch "$PREFIX/seen"\n')
    async with bench.builder(sandbox=OFF) as builder:
        request = await bench.request(lockfile_of(bench.tiny(package)))
        await builder.built(request)
        assert "without a sandbox: it is switched off" in builder.ledger.log()
    assert (bench.path_of(request) / "seen").exists()


AS_A_USER = """
import sys
from pathlib import Path
from conda_store_shared.child.report import SilentReport
from conda_store_shared.conda.sandbox.confinement import Confinement, Workplace, open_sandbox
prefix = Path(sys.argv[1])
with open_sandbox(Confinement(mode="required"), Workplace(prefix=prefix, changes=True), SilentReport()) as sandbox:
    words = "id -u > id && test ! -r /proc/1/environ && test ! -e {outside} && test $(id -u) = $(stat -c %u id)"
    sys.exit(sandbox.run(("/bin/sh", "-c", words), {"PATH": "/usr/bin:/bin"}, str(prefix), SilentReport()).status)
"""
# Who may read the sources of this test and change nothing else.
BECOME = ("setpriv", "--reuid=1234", "--regid=1234", "--clear-groups", "--inh-caps=+dac_read_search",
          "--ambient-caps=+dac_read_search")  # fmt: skip


def test_sandbox_works_for_a_service_that_is_not_root() -> None:
    is_root = os.geteuid() == 0
    program = AS_A_USER.replace("{outside}", str(Path(__file__)))
    # Others may not enter the directories that pytest makes.
    with tempfile.TemporaryDirectory() as prefix:
        if is_root:
            os.chown(prefix, 1234, 1234)
        subprocess.run((*(BECOME if is_root else ()), sys.executable, "-c", program, prefix), check=True, cwd="/")
        told, owner = (Path(prefix) / "id").read_text(), (Path(prefix) / "id").stat().st_uid
    assert (int(told), owner) == ((1234, 1234) if is_root else (os.geteuid(), os.geteuid()))


FORBIDDEN = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'


@pytest.mark.parametrize("mode", ["auto", "required", "off"])
def test_builder_says_at_its_start_that_the_system_permits_no_sandbox(tmp_path: Path, mode: str) -> None:
    program = (
        "from conda_store_builder import config, main; from pathlib import Path; "
        f"main.build(config.BuilderOptions(store_directory=Path({str(tmp_path)!r}), sandbox={mode!r}), "
        "bus=None, store=None)"
    )
    # A user namespace in which there are to be no further ones.
    command = ("unshare", "--user", "--map-root-user", "sh", "-c", FORBIDDEN, "sh", sys.executable, "-c", program)
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == (1 if mode == "required" else 0)
    said = ended.stdout + ended.stderr
    assert ("code_of_packages_is_not_confined" in said) == (mode == "auto")
    assert ("ConfigurationError: CondaStoreWorker.sandbox" in said) == (mode == "required")
    assert ("unshare: No space left on device" in said) == (mode != "off")
