"""Layers that are no package's: tars that every engine reads, the same each time."""

import gzip
import hashlib
import io
import tarfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import zstandard

from conda_store_artifacts.adapters.layer_child import merge_layers, write_layer
from conda_store_artifacts.domain.fragment import Codec
from conda_store_artifacts.domain.image_files import ImageFile, activation_files, base_files, directory, write_history
from conda_store_shared.child.report import SilentReport

pytestmark = pytest.mark.slow

FILES = (directory("tmp", 0o1777), ImageFile(path="etc/motd", content="hello"), directory("home/conda", owner=1000))


def arguments(output: Path, codec: Codec, **rest: Any) -> dict[str, Any]:
    return {"output": str(output), "codec": codec, "level": 1, "threads": 1, **rest}


def write(output: Path, files: tuple[ImageFile, ...], codec: Codec = Codec.GZIP) -> dict[str, Any]:
    told = [asdict(file) for file in files]
    return write_layer(arguments(output, codec, files=told), SilentReport())


def members(path: Path, codec: Codec = Codec.GZIP) -> dict[str, tarfile.TarInfo]:
    packed = path.read_bytes()
    if codec == Codec.ZSTD:
        raw = zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True).read()
    else:
        raw = gzip.decompress(packed)
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        return {member.name: member for member in tar}


@pytest.mark.parametrize("codec", list(Codec))
def test_layer_holds_files_with_their_modes_and_owners(tmp_path: Path, codec: Codec) -> None:
    made = write(tmp_path / "layer", FILES, codec)
    found = members(tmp_path / "layer", codec)
    assert (found["tmp"].mode, found["tmp"].isdir()) == (0o1777, True)
    assert (found["home/conda"].uid, found["etc/motd"].uid, found["etc/motd"].size) == (1000, 0, 5)
    assert made["digest"] == hashlib.sha256((tmp_path / "layer").read_bytes()).hexdigest()
    assert made["size"] == (tmp_path / "layer").stat().st_size


def test_layer_is_the_same_each_time(tmp_path: Path) -> None:
    assert write(tmp_path / "one", FILES) == write(tmp_path / "two", FILES)


@pytest.mark.parametrize("codec", list(Codec))
def test_merged_layer_holds_what_is_in_each(tmp_path: Path, codec: Codec) -> None:
    for name in ("a", "b", "c"):
        write(tmp_path / name, (ImageFile(path=f"lib/{name}", content=name * 700),), codec)
    layers = [str(tmp_path / name) for name in ("a", "b", "c")]
    made = merge_layers(arguments(tmp_path / "all", codec, layers=layers), SilentReport())
    assert sorted(members(tmp_path / "all", codec)) == ["lib/a", "lib/b", "lib/c"]
    # What each brings, and one end of a tar.
    assert made["raw_size"] == 3 * (512 + 1024) + 1024


def test_base_has_directories_for_everything_and_a_user() -> None:
    files = {file.path: file for file in base_files({"/lib64/ld.so": "/x/ld.so"}, {"/bin/sh": "/x/dash"})}
    assert (files["lib64/ld.so"].source, files["bin/sh"].mode) == ("/x/ld.so", 0o755)
    assert {"lib64", "bin", "etc", "usr/bin", "var"} < set(files)
    assert "conda:x:1000:1000" in (files["etc/passwd"].content or "")
    assert list(files) == sorted(files)


def test_history_tells_what_was_asked_for() -> None:
    history = write_history(["python >=3.11"], ["python-3.11.7-0"])
    assert history.splitlines()[-2:] == ["+python-3.11.7-0", "# update specs: ['python >=3.11']"]
    (file,) = (file for file in activation_files(history) if file.path == "opt/conda/conda-meta/history")
    assert file.content == history
