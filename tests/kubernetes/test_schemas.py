"""Every manifest is one that Kubernetes takes."""

import json
from pathlib import Path

import yaml

from tests.kubernetes.manifests import DIRECTORY, LAYOUTS, Layout
from tests.kubernetes.tools import check_schema, render, validate

CUSTOM = {"ScaledObject", "TriggerAuthentication"}
SCHEMA = Path(__file__).with_name("keda.schema.json")


def test_each_overlay_is_valid_for_kubernetes(layouts: dict[str, Layout], tmp_path: Path) -> None:
    for name, layout in layouts.items():
        (tmp_path / f"{name}.yaml").write_text(layout.text)
    done = validate(sorted(tmp_path.iterdir()))
    assert done.returncode == 0, done.stdout + done.stderr
    # A kind that it does not know passes with a word.
    unknown = [line for line in (done.stdout + done.stderr).splitlines() if "find schema" in line]
    assert {kind for kind in CUSTOM if any(f"kind {kind} " in line for line in unknown)} == CUSTOM
    kinds = [manifest["kind"] for layout in layouts.values() for manifest in layout.manifests]
    assert len(unknown) == sum(kind in CUSTOM for kind in kinds)


def test_base_alone_is_rendered() -> None:
    kinds = {manifest["kind"] for manifest in Layout.of(render(DIRECTORY / "base")).manifests}
    assert kinds >= {"Deployment", "Service", "Job", "NetworkPolicy", "PodDisruptionBudget", "ServiceAccount"}
    assert not kinds & {"Secret", "Ingress", "PersistentVolumeClaim", *CUSTOM}


def test_there_is_an_overlay_for_each_layout() -> None:
    assert {path.name for path in (DIRECTORY / "overlays").iterdir()} == set(LAYOUTS)


def test_validator_refuses_a_misspelt_field(one_builder: Layout, tmp_path: Path) -> None:
    (tmp_path / "misspelt.yaml").write_text(one_builder.text.replace("readinessProbe:", "readynessProbe:", 1))
    done = validate([tmp_path / "misspelt.yaml"])
    assert done.returncode != 0
    assert "readynessProbe" in done.stdout + done.stderr


def test_custom_resources_follow_our_schema_of_them(shared_volume: Layout, tmp_path: Path) -> None:
    found = [manifest for manifest in shared_volume.manifests if manifest["kind"] in CUSTOM]
    for number, manifest in enumerate(found):
        (tmp_path / f"{number}.json").write_text(json.dumps(manifest))
    done = check_schema(SCHEMA, sorted(tmp_path.iterdir()))
    assert (len(found), done.returncode) == (3, 0), done.stdout + done.stderr


def test_our_schema_refuses_a_misspelt_field(shared_volume: Layout, tmp_path: Path) -> None:
    [scaler] = [manifest for name, manifest in shared_volume.all("ScaledObject").items() if name == "solver"]
    (tmp_path / "misspelt.json").write_text(json.dumps(scaler).replace("pollingInterval", "pollInterval"))
    assert check_schema(SCHEMA, [tmp_path / "misspelt.json"]).returncode != 0


def test_no_manifest_in_the_tree_is_a_secret() -> None:
    files = [path for path in DIRECTORY.rglob("*.yaml") if path.name != "unsized.yaml"]
    kinds = {document["kind"] for path in files for document in yaml.safe_load_all(path.read_text()) if document}
    assert "Secret" not in kinds
    generated = [path for path in files if "secretGenerator" in path.read_text()]
    assert generated == []
