"""How each program turns TIFFs into OME-Zarr 0.5 with a pyramid and labels: what runs in its environment.

Each takes the folder of one case, where its output goes, and options; and returns the work as a function of both. All
write chunks of one plane of 256 x 256 (small images: of one plane), Blosc with Zstandard 1 and bit shuffling where they
let one choose, halve Y and X only, and as many levels as are asked for.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Work = Callable[[str, str], Any]

STACK_LEVELS = 5
PAIR_LEVELS = 3
NAME = "nuclei"


def pairs(folder: Path) -> Iterator[tuple[str, Path, Path]]:
    """Yield name, image and mask of every pair."""
    for image in sorted((folder / "images").iterdir()):
        yield image.stem, image, folder / "masks" / image.name


def inputs(folder: str, out: str) -> Iterator[tuple[Path, Any, Any, list[str], int]]:
    """Yield target, image, labels, axes of the image and number of levels: arrays mapped where they are large."""
    import tifffile

    source, target = Path(folder), Path(out)
    target.mkdir(parents=True)
    if (source / "image.tif").exists():
        image, labels = (
            tifffile.memmap(source / "image.tif", mode="r"),
            tifffile.memmap(source / "labels.tif", mode="r"),
        )
        yield target / "stack.ome.zarr", image, labels, list("czyx"), STACK_LEVELS
        return
    for name, image, mask in pairs(source):
        pixels = tifffile.imread(image)[None]
        yield target / f"{name}.ome.zarr", pixels, tifffile.imread(mask), list("cyx"), PAIR_LEVELS


def chunk(axes: list[str], shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return a thin chunk; a small plane is one chunk."""
    small = shape[-1] * shape[-2] <= 1 << 19
    plane = shape[-2:] if small else (256, 256)
    return (1,) * (len(axes) - 2) + tuple(plane)


def shard(axes: list[str], shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """Return the shard for an array; None if one chunk is all."""
    if shape[-1] * shape[-2] <= 1 << 19:
        return None
    return (1,) * (len(axes) - 3) + (min(8, shape[-3]), 2048, 2048)


def ours(version: str = "0.5", threads: int | None = None, digests: bool = False) -> Work:
    """Convert with micrographia."""
    from micrographia.images import (  # noqa: F401  # noqa: F401
        LabelSource,
        codecs_kernels,
        codecs_native,
        content_digest,
        open_image,
        pyramid_kernels,
        write_image,
    )

    def work(folder: str, out: str) -> None:
        source, target = Path(folder), Path(out)
        if (source / "image.tif").exists():
            one(source / "image.tif", source / "labels.tif", target / "stack.ome.zarr", STACK_LEVELS)
            return
        for name, image, mask in pairs(source):
            one(image, mask, target / f"{name}.ome.zarr", PAIR_LEVELS)

    def one(image: Path, mask: Path, target: Path, levels: int) -> None:
        labels = LabelSource(NAME, open_image(mask))
        write_image(
            target,
            open_image(image),
            labels=[labels],
            levels=levels,
            version=version,  # type: ignore[arg-type]
            threads=threads,
            digests=digests,
        )

    return work


def iohub(implementation: str, sharded: bool) -> Work:
    """Convert with iohub; its label pyramids are made by the same function as those of its images."""
    from iohub import open_ome_zarr
    from iohub.core import downsample  # noqa: F401

    def work(folder: str, out: str) -> None:
        for target, image, labels, axes, levels in inputs(folder, out):
            # iohub wants T, C, Z, Y, X.
            image5 = image[None] if len(axes) == 4 else image[None, :, None]
            labels4 = labels[None] if len(axes) == 4 else labels[None, None]
            size = chunk(list("tczyx"), image5.shape)
            whole = shard(list("tczyx"), image5.shape) if sharded else None
            ratio = None if whole is None else tuple(a // b for a, b in zip(whole, size, strict=True))
            names = [str(index) for index in range(image5.shape[1])]
            with open_ome_zarr(
                target,
                layout="fov",
                mode="w-",
                channel_names=names,
                version="0.5",
                implementation=implementation,
            ) as position:
                position.create_image("0", image5, chunks=size, shards_ratio=ratio)
                position.compute_pyramid(levels=levels, method="mean", dims={"y", "x"})
                label = position.create_label(
                    NAME,
                    labels4,
                    chunks=size[:1] + size[2:],
                    shards_ratio=None if ratio is None else ratio[:1] + ratio[2:],
                    pyramid_levels=levels,
                )
                factors = [1, 2 if labels4.shape[1] > 1 else 1, 2, 2]
                for level in range(1, levels):
                    label[str(level - 1)].downsample_into(label[str(level)], factors, method="mode")

    return work


def ome_zarr(version: str, sharded: bool) -> Work:
    """Convert with ome-zarr-py."""
    import dask.array
    import numcodecs
    import zarr
    from ome_zarr.format import FormatV04, FormatV05
    from ome_zarr.scale import Methods
    from ome_zarr.writer import write_image, write_labels

    form = FormatV05() if version == "0.5" else FormatV04()

    def storage(axes: list[str], shape: tuple[int, ...]) -> dict[str, Any]:
        options: dict[str, Any] = {"chunks": chunk(axes, shape)}
        whole = shard(axes, shape) if sharded else None
        if whole is not None:
            options["shards"] = tuple(
                min(a, -(-n // b) * b) for a, b, n in zip(whole, options["chunks"], shape, strict=True)
            )
        if version == "0.5":
            options["compressors"] = [zarr.codecs.BloscCodec(cname="zstd", clevel=1, shuffle="bitshuffle")]
        else:
            options["compressor"] = numcodecs.Blosc("zstd", 1, 2)
        return options

    def work(folder: str, out: str) -> None:
        for target, image, labels, axes, levels in inputs(folder, out):
            group = zarr.open_group(target, mode="w", zarr_format=3 if version == "0.5" else 2)
            factors = [2**level for level in range(1, levels)]
            for pixels, own, write, method, more in (
                (image, axes, write_image, Methods.LOCAL_MEAN, {}),
                (
                    labels,
                    [axis for axis in axes if axis != "c"],
                    write_labels,
                    Methods.NEAREST,
                    {"name": NAME},
                ),
            ):
                options = storage(own, pixels.shape)
                blocks = options.get("shards", options["chunks"])
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    write(
                        dask.array.from_array(pixels, chunks=blocks),
                        group,
                        axes="".join(own),
                        scale_factors=factors,
                        method=method,
                        storage_options=options,
                        fmt=form,
                        **more,
                    )

    return work


def ngff_zarr(sharded: bool) -> Work:
    """Convert with ngff-zarr in its fastest mode; labels are written as another image, which is all that it does."""
    import ngff_zarr as library

    def write(pixels: Any, axes: list[str], levels: int, method: Any, store: Path) -> None:
        image = library.to_ngff_image(pixels, dims=axes)
        factors = [
            {"y": 2**level, "x": 2**level, **({"z": 1} if "z" in axes else {})} for level in range(1, levels)
        ]
        size = dict(zip(axes, chunk(axes, pixels.shape), strict=True))
        pyramid = library.to_multiscales(image, factors, method=method, chunks=size, cache=False)
        whole = shard(axes, pixels.shape) if sharded else None
        more = (
            {}
            if whole is None
            else {"chunks_per_shard": {a: n // size[a] for a, n in zip(axes, whole, strict=True)}}
        )
        library.to_ngff_zarr(str(store), pyramid, version="0.5", overwrite=False, **more)

    def work(folder: str, out: str) -> None:
        for target, image, labels, axes, levels in inputs(folder, out):
            write(image, axes, levels, library.Methods.DASK_BIN_SHRINK, target)
            plain = [axis for axis in axes if axis != "c"]
            write(labels, plain, levels, library.Methods.DASK_IMAGE_MODE, target / "labels" / NAME)

    return work


def bioio(sharded: bool) -> Work:
    """Convert with bioio-ome-zarr, which writes images only, by nearest neighbours."""
    import dask.array
    from bioio_ome_zarr.writers import OMEZarrWriter
    from zarr.codecs import BloscCodec

    def work(folder: str, out: str) -> None:
        for target, image, _, axes, levels in inputs(folder, out):
            shapes = [
                tuple(
                    -(-n // 2**level) if axis in "yx" else n
                    for axis, n in zip(axes, image.shape, strict=True)
                )
                for level in range(levels)
            ]
            chunks = [
                tuple(min(a, n) for a, n in zip(chunk(axes, image.shape), shape, strict=True))
                for shape in shapes
            ]
            whole = shard(axes, image.shape) if sharded else None
            shards = None
            if whole is not None:
                shards = [
                    tuple(min(a, -(-n // b) * b) for a, b, n in zip(whole, size, shape, strict=True))
                    for size, shape in zip(chunks, shapes, strict=True)
                ]
            writer = OMEZarrWriter(
                store=str(target),
                level_shapes=shapes,
                dtype=image.dtype,
                chunk_shape=chunks,
                shard_shape=shards,
                compressor=BloscCodec(cname="zstd", clevel=1, shuffle="bitshuffle"),
                zarr_format=3,
                axes_names=axes,
                axes_types=["channel" if axis == "c" else "space" for axis in axes],
            )
            writer.write_full_volume(dask.array.from_array(image, chunks=(shards or chunks)[0]))

    return work


TOOLS = {
    "ours": ours,
    "iohub": iohub,
    "ome_zarr": ome_zarr,
    "ngff_zarr": ngff_zarr,
    "bioio": bioio,
}


def prepared(tool: str, folder: str, out: str, warm: str, options: dict[str, Any]) -> Callable[[], Any]:
    """Import a program and let it convert something tiny, so that neither imports nor compilation count."""
    work = TOOLS[tool](**options)
    work(warm, f"{out}-warm")
    return lambda: work(folder, out)


if __name__ == "__main__":
    from _peers import serve

    serve({"convert": prepared})
