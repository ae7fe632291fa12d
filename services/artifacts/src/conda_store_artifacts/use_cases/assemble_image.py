"""The image of an environment: layers that are there already, and a few JSON documents over them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from conda_store_artifacts.domain.base_image import BaseImage
from conda_store_artifacts.domain.fragment import Fragment, why_no_concatenation, why_no_fragment
from conda_store_artifacts.domain.image import ImageDocuments, PlatformImage, write_documents
from conda_store_artifacts.domain.image_config import ImageContents, write_config
from conda_store_artifacts.domain.image_files import activation_files, write_history
from conda_store_artifacts.domain.image_labels import image_created, image_labels, image_variables
from conda_store_artifacts.domain.image_platform import ImagePlatform
from conda_store_artifacts.domain.oci_manifest import Layer
from conda_store_artifacts.ports import MadeLayer, RestOrder
from conda_store_artifacts.use_cases.image_making import ImageMaking
from conda_store_artifacts.use_cases.installed_prefix import installed_prefix
from conda_store_artifacts.use_cases.provide_base import ChosenBase, NoBase, choose_base, provide_base
from conda_store_artifacts.use_cases.provide_fragments import FragmentRequest, provide_fragments
from conda_store_artifacts.use_cases.provide_layer import provide_layer
from conda_store_artifacts.use_cases.provide_package_layers import check_layers, provide_package_layers
from conda_store_shared.domain.pip_options import trusted_hosts
from conda_store_shared.domain.stage import FailureCode
from conda_store_shared.errors import StageFailure


class _LeftOut(Exception):
    """Raised when there can be no image for a platform; the message is the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssembledImage:
    """An image whose layers are stored."""

    images: Sequence[PlatformImage]
    documents: ImageDocuments

    @property
    def layers(self) -> dict[str, Layer]:
        """Every layer of every platform by its digest."""
        return {layer.digest: layer for image in self.images for layer in image.layers}


async def assemble_image(image: ImageMaking) -> AssembledImage:
    """Have the layers of every platform stored, and write the documents over them.

    A platform that can have no image is left out, and the log says why.  Raises StageFailure when none can, and
    BlobDamaged.
    """
    inputs = image.making.inputs
    chosen, ours = await choose_base(image), inputs.order.prefix.platform
    made: list[PlatformImage] = []
    annotations: dict[str, str] = {}
    reasons: list[str] = []
    # The platform of the workers first: that is the one for clients that know no index.
    for platform in sorted(dict.fromkeys(inputs.lockfile.platforms), key=lambda each: (each != ours, each)):
        try:
            made_image, base = await _platform_image(platform, chosen, image)
            made.append(made_image)
            annotations |= base.annotations if not annotations else {}
        except (_LeftOut, NoBase) as error:
            reasons.append(f"{platform} has no image, since {error}")
            image.making.log(reasons[-1])
    if not made:
        raise StageFailure(FailureCode.IMAGE_NOT_POSSIBLE, "; ".join(reasons) or "the lockfile is for no platform")
    labels = image_labels(inputs.order, inputs.lockfile, image.options.registry)
    return AssembledImage(images=made, documents=write_documents(made, {**labels, **annotations}))


async def _platform_image(platform: str, chosen: ChosenBase, image: ImageMaking) -> tuple[PlatformImage, BaseImage]:
    inputs = image.making.inputs
    is_ours, place = platform == inputs.order.prefix.platform, ImagePlatform.of(platform)
    if place is None:
        raise _LeftOut("images are for Linux alone")
    base = await provide_base(chosen, place, image)
    fragments, reason = await _fragments(platform, image, is_ours=is_ours)
    if reason is not None and not is_ours:
        raise _LeftOut(reason)
    above = [] if reason is None else [await _rest(reason, fragments, image)]
    above.append(await _activation(fragments, image))
    packages = await provide_package_layers(fragments, len(base.layers) + len(above), image)
    await check_layers([*base.layers, *packages, *above], image)
    contents = ImageContents(
        platform=place,
        environment=inputs.order.environment,
        created=image_created(inputs.lockfile),
        base=base.config,
        inherited=base.layers,
        layers=[*packages, *above],
        variables=image_variables(inputs.order, [fragment.files.variables for fragment in fragments]),
        labels=image_labels(inputs.order, inputs.lockfile, image.options.registry),
    )
    image.making.log(f"{platform}: {len(fragments)} packages in {len(packages)} layers")
    made = PlatformImage(platform=place, config=write_config(contents), layers=[*base.layers, *packages, *above])
    return made, base


async def _fragments(platform: str, image: ImageMaking, *, is_ours: bool) -> tuple[Sequence[Fragment], str | None]:
    """The fragments of a platform, and why they do not make up its environment."""
    making = image.making
    request = FragmentRequest(
        lockfile=making.inputs.lockfile,
        platform=platform,
        format=image.format,
        deadline=making.deadline,
        trusted_hosts=trusted_hosts(making.inputs.order.solve.specification),
    )
    reason = next(filter(None, map(why_no_fragment, request.packages)), None)
    if reason is not None and not is_ours:
        return (), reason
    try:
        fragments = await provide_fragments(request, making.context, tools=image.tools.fragments)
    except StageFailure as failure:
        if is_ours or failure.transient:
            raise
        return (), failure.detail
    return fragments, reason or why_no_concatenation(request.packages, fragments)


async def _rest(reason: str, fragments: Sequence[Fragment], image: ImageMaking) -> Layer:
    """What an installed prefix has besides the packages that have layers."""
    making, tools = image.making, image.tools
    making.log(f"looking into an installed prefix, since {reason}")
    wheels = [fragment.package.name for fragment in fragments if fragment.package.manager == "pip"]

    async def make(directory: Path) -> MadeLayer:
        prefix = await installed_prefix(directory, making, tools)
        order, output = RestOrder(prefix=prefix, wheels=wheels), directory / "rest"
        return await tools.images.layers.write_rest(order, image.format, output, making.deadline, making.context)

    identity = {
        "kind": "rest",
        "build": making.inputs.order.build_key,
        "codec": image.format.codec,
        "level": image.format.level,
    }
    return image.layer(await provide_layer(identity, make, tools), "what the installation of packages adds")


async def _activation(fragments: Sequence[Fragment], image: ImageMaking) -> Layer:
    specification = image.making.inputs.order.solve.specification
    asked = [each for each in specification.get("dependencies") or () if isinstance(each, str)]
    packages = sorted(
        f"{package.name}-{package.version}-{package.build or 0}"
        for package in (fragment.package for fragment in fragments)
        if package.manager == "conda"
    )
    return await image.layer_of(activation_files(write_history(asked, packages)), "conda activate")
