"""Imports every module of each package in an environment that holds only what the package itself declares.

The workspace's environment holds everything, so there a package could use what it does not ask for.
"""

import hashlib
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[1]
CACHE = ROOT / ".cache" / "isolated"
LOCK = ROOT / "requirements.lock"
CONSTRAINTS = CACHE / "constraints.txt"
STANDALONE = ROOT / "deploy" / "standalone"

IMPORT_ALL = """
import importlib, pkgutil, sys
root = importlib.import_module(sys.argv[1])
failed = False
for module in pkgutil.walk_packages(root.__path__, root.__name__ + "."):
    try:
        importlib.import_module(module.name)
    except Exception as problem:
        print(f"{module.name}: {type(problem).__name__}: {problem}")
        failed = True
sys.exit(failed)
"""


def main() -> int:
    """Check every package; the exit code says whether all of them import."""
    CACHE.mkdir(parents=True, exist_ok=True)
    # As constraints the pins count, not the hashes.
    CONSTRAINTS.write_text(re.sub(r" \\\n(    --hash=\S+( \\)?\n)+", "\n", LOCK.read_text()))
    packages = [*sorted(path.parent for path in ROOT.glob("services/*/pyproject.toml")), ROOT / "client", STANDALONE]
    with ThreadPoolExecutor(max_workers=2) as pool:
        problems = [problem for problem in pool.map(check, packages) if problem]
    print("\n".join(problems) or f"{len(packages)} packages import with their own dependencies alone")
    return 1 if problems else 0


def check(package: Path) -> str:
    """What is wrong with one package; empty if it imports."""
    name = next((package / "src").iterdir()).name
    environment = CACHE / name
    try:
        prepare(package, environment)
    except subprocess.CalledProcessError as failure:
        return f"{name}: its dependencies cannot be installed:\n{failure.stderr}"
    done = subprocess.run(
        [environment / "bin" / "python", "-I", "-c", IMPORT_ALL, name], capture_output=True, text=True, check=False
    )
    return "" if done.returncode == 0 else f"{name} does not import alone:\n{done.stdout}{done.stderr}"


def prepare(package: Path, environment: Path) -> None:
    """Make the environment, unless it was made from these very declarations; raises CalledProcessError."""
    members = members_of(package)
    declared = [LOCK.read_bytes(), *((member / "pyproject.toml").read_bytes() for member in members)]
    digest = hashlib.sha256(b"\0".join(declared)).hexdigest()
    stamp = environment / "declared.sha256"
    if stamp.exists() and stamp.read_text() == digest:
        return
    python = str(environment / "bin" / "python")
    uv("venv", "--clear", "--python", sys.executable, str(environment))
    # The extras of shared come in by the package's own requirement on it.
    sources = [part for member in members for part in ("-e", str(member))]
    uv("pip", "install", "--python", python, "--constraint", str(CONSTRAINTS), *sources)
    stamp.write_text(digest)


def members_of(package: Path) -> list[Path]:
    """The package and the members of the workspace that it asks for, directly or through others."""
    found = [package]
    for member in found:
        text = (member / "pyproject.toml").read_text()
        for name in re.findall(r'"conda-store-([a-z]+)', text.partition("dependencies =")[2].partition("]\n")[0]):
            path = ROOT / "shared" if name == "shared" else ROOT / "services" / name
            if path not in found:
                found.append(path)
    return found


def uv(*arguments: str) -> None:
    """Run uv of this environment; raises CalledProcessError with what it said."""
    program = Path(sys.executable).with_name("uv")
    subprocess.run([program, "-q", "--no-config", *arguments], capture_output=True, text=True, check=True, cwd=ROOT)


if __name__ == "__main__":
    sys.exit(main())
