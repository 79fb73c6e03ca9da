"""Small datasets made by hand, as arrays: raw folders of .npy files, or OME-Zarr."""

from pathlib import Path

import numpy as np

from micrographia.dataset import Dataset, open_dataset
from micrographia.images import ArrayImage, LabelSource, write_image

HEADER = (
    "Files", "member", "image", "role", "channel", "annotation set", "annotation type", "source image", "split",
    "group:donor", "size", "sha256", "layer", "axes",
)  # fmt: skip


def row(
    path,
    image="",
    role="image",
    *,
    named="",
    kind="",
    source="",
    split="",
    donor="",
    layer="",
    axes="",
    sha="",
):
    return (
        path,
        "",
        image,
        role,
        "",
        named,
        kind,
        source,
        split,
        donor,
        "1",
        sha or f"{abs(hash(path)):064x}"[:64],
        layer,
        axes,
    )


def write_manifest(folder: Path, rows, mifa="") -> Dataset:
    lines = ["\t".join(HEADER), *("\t".join(cells) for cells in rows)]
    (folder / "files.tsv").write_text("\n".join(lines) + "\n", "utf-8")
    (folder / "mifa.yaml").write_text("micrographia_format: 1\n" + mifa, "utf-8")
    return open_dataset(folder)


def raw(
    folder: Path, images, masks=None, *, regions=None, splits=None, donors=None, axes="", mifa=""
) -> Dataset:
    """Write a raw dataset.

    ``images``, ``masks`` and ``regions`` map ids to arrays; a mask may be a list of layers.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for name, pixels in images.items():
        np.save(folder / f"{name}.npy", pixels)
        rows.append(
            row(
                f"{name}.npy",
                name,
                split=(splits or {}).get(name, ""),
                donor=(donors or {}).get(name, ""),
                axes=axes,
            )
        )
        found = (masks or {}).get(name)
        layers = found if isinstance(found, list) else [] if found is None else [found]
        for layer, labels in enumerate(layers, 1):
            np.save(folder / f"{name}-mask{layer}.npy", labels)
            rows.append(
                row(
                    f"{name}-mask{layer}.npy", role="annotation", named="nuclei", kind="segmentation_mask", source=name,
                    layer=str(layer),
                )
            )  # fmt: skip
        if regions is not None and name in regions:
            np.save(folder / f"{name}-region.npy", regions[name])
            rows.append(
                row(
                    f"{name}-region.npy", role="annotation", named="annotated_region", kind="segmentation_mask",
                    source=name,
                )
            )  # fmt: skip
    return write_manifest(folder, rows, mifa)


def zarr(folder: Path, images, masks, axes, *, scale=None, chunk=None) -> Dataset:
    """Write a dataset of OME-Zarr images, each with one label image ``nuclei``."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    rows = []
    for name, pixels in images.items():
        path = f"images/{name}.ome.zarr"
        units = dict.fromkeys(scale or {}, "micrometer")
        labels = [
            LabelSource("nuclei", ArrayImage(masks[name], axes.replace("C", ""), scale=scale, units=units))
        ]
        image = ArrayImage(pixels, axes, scale=scale, units=units)
        write_image(folder / path, image, labels=labels, levels=1, chunk=chunk)
        rows.append(row(path, name))
        rows.append(
            row(
                f"{path}/labels/nuclei",
                role="annotation",
                named="nuclei",
                kind="segmentation_mask",
                source=name,
            )
        )
    return write_manifest(folder, rows)


def numbered(shape, dtype=np.uint16, start=0):
    """Return an image in which every pixel tells where it is."""
    return (np.arange(np.prod(shape)) + start).reshape(shape).astype(dtype)


def squares(shape, side=4, step=9):
    """Return labels of squares (or cubes) on a grid."""
    labels = np.zeros(shape, np.uint16)
    ranges = [range(2, size - side, step) for size in shape]
    for number, corner in enumerate(np.ndindex(*(len(one) for one in ranges)), 1):
        at = tuple(slice(one[i], one[i] + side) for one, i in zip(ranges, corner, strict=True))
        labels[at] = number
    return labels
