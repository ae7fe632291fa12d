"""Documents of images: what they say, in which style, to whom; and that they are the same each time."""

import json
from typing import Any

import pytest

from conda_store_artifacts.domain.fragment import Codec
from conda_store_artifacts.domain.image import ImageRecord, PlatformImage, write_documents
from conda_store_artifacts.domain.image_config import BaseConfig, ImageContents, write_config
from conda_store_artifacts.domain.image_platform import ImagePlatform
from conda_store_artifacts.domain.oci_manifest import Layer
from conda_store_shared.domain.canonical import sha256_hex

AMD64, ARM64 = ImagePlatform("amd64"), ImagePlatform("arm64", "v8")
CREATED = "2026-11-26T20:00:00Z"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"


def a_layer(name: str, codec: Codec = Codec.GZIP) -> Layer:
    return Layer(
        digest=sha256_hex(name.encode()), size=len(name), diff_id=sha256_hex(b"raw " + name.encode()), codec=codec,
        created_by=f"conda install {name}",
    )  # fmt: skip


def a_platform_image(platform: ImagePlatform = AMD64, codec: Codec = Codec.GZIP) -> PlatformImage:
    layers = (a_layer("base", codec), a_layer("python", codec))
    contents = ImageContents(
        platform=platform, environment="weather", created=CREATED, inherited=layers[:1], layers=layers[1:],
        variables={"SETTING": "on"}, labels={"org.opencontainers.image.title": "team/weather"},
    )  # fmt: skip
    return PlatformImage(platform=platform, config=write_config(contents), layers=layers)


def config_of(base: BaseConfig | None = None, **changes: Any) -> dict[str, Any]:
    given = {"platform": AMD64, "environment": "weather", "created": CREATED, "layers": [a_layer("python")], **changes}
    config: dict[str, Any] = json.loads(write_config(ImageContents(base=base or BaseConfig(), **given)))
    return config


def test_config_runs_commands_in_the_activated_environment_as_somebody_who_is_not_root() -> None:
    run = config_of(variables={"SETTING": "on"})["config"]
    assert run["Env"] == [
        "PATH=/opt/conda/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "CONDA_DEFAULT_ENV=weather",
        "CONDA_PREFIX=/opt/conda",
        "CONDA_SHLVL=1",
        "HOME=/home/conda",
        "SETTING=on",
    ]
    assert (run["User"], run["Cmd"], run["Entrypoint"]) == (
        "1000:1000", ["/bin/sh"], ["/opt/conda/etc/conda/entrypoint.sh"],
    )  # fmt: skip
    assert run["Labels"] == {"conda_store": "0.0.1"}


def test_config_keeps_what_its_base_sets_unless_it_sets_that_itself() -> None:
    base = BaseConfig(
        config={"Env": ["PATH=/base/bin", "LANG=C.UTF-8", "HOME=/root"], "Labels": {"of": "base"}, "User": "root",
                "StopSignal": "SIGQUIT"},
        history=[{"created_by": "ADD base"}, {"created_by": "ENV", "empty_layer": True}],
    )  # fmt: skip
    config = config_of(base, inherited=[a_layer("base")], labels={"ours": "too"})
    run = config["config"]
    assert run["Env"][0] == "PATH=/opt/conda/bin:/base/bin"
    assert {"LANG=C.UTF-8", "HOME=/home/conda"} <= set(run["Env"])
    assert run["Labels"] == {"of": "base", "conda_store": "0.0.1", "ours": "too"}
    assert (run["User"], run["StopSignal"]) == ("1000:1000", "SIGQUIT")
    assert [entry["created_by"] for entry in config["history"]] == ["ADD base", "ENV", "conda install python"]


def test_config_has_one_entry_of_history_for_each_layer_when_its_base_has_not() -> None:
    config = config_of(BaseConfig(history=[]), inherited=[a_layer("base")])
    assert len(config["history"]) == len(config["rootfs"]["diff_ids"]) == 2


def test_image_of_one_platform_is_told_in_both_styles_over_the_same_blobs() -> None:
    made = write_documents([a_platform_image()], {"org.opencontainers.image.title": "team/weather"})
    docker, oci = (json.loads(document.content) for document in made.documents)
    assert (docker["mediaType"], oci["mediaType"]) == (DOCKER_MANIFEST, OCI_MANIFEST)
    assert docker["config"]["digest"] == oci["config"]["digest"]
    assert [layer["digest"] for layer in docker["layers"]] == [layer["digest"] for layer in oci["layers"]]
    assert "annotations" not in docker
    assert oci["annotations"] == {"org.opencontainers.image.title": "team/weather"}


def test_documents_are_the_same_whenever_they_are_written() -> None:
    images = [a_platform_image(AMD64), a_platform_image(ARM64)]
    first, second = (write_documents(images, {"a": "b"}) for _ in range(2))
    assert first == second


def test_image_of_several_platforms_has_an_index_that_names_the_manifest_of_each() -> None:
    made = write_documents([a_platform_image(AMD64), a_platform_image(ARM64)], {})
    chosen = made.record.choose(OCI_INDEX)
    assert chosen is not None
    index = next(json.loads(document.content) for document in made.documents if document.digest == chosen.digest)
    known = {f"sha256:{document.digest}" for document in made.documents if document.media_type == OCI_MANIFEST}
    assert {entry["digest"] for entry in index["manifests"]} == known
    assert [entry["platform"] for entry in index["manifests"]] == [
        {"architecture": "amd64", "os": "linux"},
        {"architecture": "arm64", "os": "linux", "variant": "v8"},
    ]


@pytest.mark.parametrize(
    ("accept", "codec", "chosen"),
    [
        ("", Codec.GZIP, DOCKER_LIST),
        ("*/*", Codec.GZIP, DOCKER_LIST),
        (f"{OCI_INDEX}, {OCI_MANIFEST}", Codec.GZIP, OCI_INDEX),
        (f"{DOCKER_MANIFEST}, {OCI_MANIFEST};q=0", Codec.GZIP, DOCKER_MANIFEST),
        (f"{OCI_MANIFEST};q=0.5", Codec.GZIP, OCI_MANIFEST),
        ("*/*", Codec.ZSTD, OCI_INDEX),
        (f"{DOCKER_LIST}, {DOCKER_MANIFEST}", Codec.ZSTD, None),
        ("text/html", Codec.GZIP, None),
    ],
)
def test_client_gets_what_it_accepts(accept: str, codec: Codec, chosen: str | None) -> None:
    made = write_documents([a_platform_image(AMD64, codec), a_platform_image(ARM64, codec)], {})
    record = ImageRecord.from_bytes(made.record.to_bytes())
    choice = record.choose(accept)
    assert (choice and choice.media_type) == chosen


def test_client_that_knows_no_index_gets_the_first_platform() -> None:
    made = write_documents([a_platform_image(AMD64), a_platform_image(ARM64)], {})
    choice = made.record.choose(DOCKER_MANIFEST)
    assert choice is not None
    assert choice.digest == made.documents[0].digest


def test_platforms_without_images_have_no_image_platform() -> None:
    assert ImagePlatform.of("osx-arm64") is None
    assert ImagePlatform.of("win-64") is None
    assert str(ImagePlatform.of("linux-aarch64")) == "linux/arm64/v8"


def test_platform_runs_what_leaves_its_variant_out() -> None:
    assert ARM64.runs(ImagePlatform("arm64"))
    assert not ARM64.runs(ImagePlatform("arm64", "v9"))
    assert not ARM64.runs(AMD64)
