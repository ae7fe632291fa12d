"""Every manifest is one that Kubernetes takes."""

import json
from pathlib import Path

import pytest
import yaml

from tests.kubernetes.manifests import DIRECTORY, LAYOUTS, Layout
from tests.kubernetes.tools import NEWEST, OLDEST, check_schema, render, validate

CUSTOM = {"ScaledObject", "TriggerAuthentication"}
SCHEMA = Path(__file__).with_name("keda.schema.json")


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_each_overlay_is_valid_for_kubernetes(layouts: dict[str, Layout], version: str, tmp_path: Path) -> None:
    for name, layout in layouts.items():
        (tmp_path / f"{name}.yaml").write_text(layout.text)
    done = validate(sorted(tmp_path.iterdir()), version)
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


def test_component_for_the_sandbox_is_valid_upon_each_overlay(tmp_path: Path) -> None:
    for name in LAYOUTS:
        # Kustomize takes no absolute paths.
        up = "../" * (len(tmp_path.parts) + 1)
        place = tmp_path / name
        place.mkdir()
        overlay = {"resources": [f"overlays/{name}"], "components": ["components/sandbox"]}
        paths = {key: [f"{up}{DIRECTORY.relative_to('/')}/{path}" for path in value] for key, value in overlay.items()}
        (place / "kustomization.yaml").write_text(json.dumps(paths))
        layout = Layout.of(render(place))
        (tmp_path / f"{name}.yaml").write_text(layout.text)
        confined = {key: one["securityContext"].get("seccompProfile") for key, one in layout.containers().items()}
        assert {key for key, profile in confined.items() if profile} == {"builder"}
        assert layout.containers()["builder"]["args"][-1] == "--CondaStoreWorker.sandbox=required"
    assert validate(sorted(tmp_path.glob("*.yaml"))).returncode == 0


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
    texts = [path.read_text() for path in DIRECTORY.rglob("*.yaml")]
    # Patches of single fields are lists, and have no kind.
    found = [one for text in texts for one in yaml.safe_load_all(text) if isinstance(one, dict)]
    assert len(found) > len(LAYOUTS)
    assert [one for one in found if one.get("kind") == "Secret" or "secretGenerator" in one] == []
