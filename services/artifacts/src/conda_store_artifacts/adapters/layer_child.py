"""Runs in a child process: layers of images that are no package's."""

import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import zstandard

from conda_store_artifacts.adapters.compression import Compression, Digesting, compressed
from conda_store_artifacts.adapters.plain_tar import END, MADE_UP_TIME
from conda_store_artifacts.domain.fragment import Codec
from conda_store_artifacts.domain.image_files import ImageFile
from conda_store_shared.child.report import Report

_PIECE = 1024 * 1024


def write_layer(arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    """Write a layer of ``files`` (fields of ImageFile) to ``output``; returns its digests and sizes."""
    with compressed(Path(arguments["output"]), _compression(arguments)) as out:
        for file in (ImageFile(**values) for values in arguments["files"]):
            _write_file(out.raw, file)
        out.raw.write(END)
    return _made(out.raw, out.packed)


def merge_layers(arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    """Write one layer of what is in ``layers``, files of the same codec; returns its digests and sizes."""
    compression = _compression(arguments)
    with compressed(Path(arguments["output"]), compression) as out:
        for layer in arguments["layers"]:
            with Path(layer).open("rb") as file:
                _copy_without_end(_decompressed(file, compression.codec), out.raw)
        out.raw.write(END)
    return _made(out.raw, out.packed)


def _compression(arguments: dict[str, Any]) -> Compression:
    return Compression(codec=Codec(arguments["codec"]), level=arguments["level"], threads=arguments["threads"])


def _made(raw: Digesting, packed: Digesting) -> dict[str, Any]:
    return {
        "digest": packed.digest(),
        "size": packed.size,
        "raw_digest": raw.digest(),
        "raw_size": raw.size,
    }


def _write_file(sink: Digesting, file: ImageFile) -> None:
    member = tarfile.TarInfo(file.path)
    member.mode, member.uid, member.gid, member.mtime = file.mode, file.owner, file.owner, MADE_UP_TIME
    content = b""
    if file.link is not None:
        member.type, member.linkname = tarfile.SYMTYPE, file.link
    elif file.content is not None:
        content = file.content.encode()
    elif file.source is not None:
        content = Path(file.source).read_bytes()
    else:
        member.type = tarfile.DIRTYPE
    member.size = len(content)
    sink.write(member.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape"))
    sink.write(content + bytes(-len(content) % 512))


def _decompressed(file: BinaryIO, codec: Codec) -> Iterator[bytes]:
    if codec == Codec.ZSTD:
        with zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True) as reader:
            while piece := reader.read(_PIECE):
                yield piece
        return
    # Several members may follow each other.
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    while piece := file.read(_PIECE):
        while piece:
            yield unpacker.decompress(piece)
            piece = unpacker.unused_data
            if unpacker.eof:
                unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)


def _copy_without_end(pieces: Iterator[bytes], sink: Digesting) -> None:
    kept = b""
    for piece in pieces:
        kept += piece
        sink.write(kept[: -len(END)])
        kept = kept[-len(END) :]
    if kept != END:
        raise ValueError("the tar of a layer has no end")
