"""The network of the reference model: a compact U-Net whose levels begin at half resolution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from micrographia.representation.encoders.networks import seeded, torch_module
from micrographia.segmentation.metrics.errors import SegmentationError

OUTPUTS = ("foreground", "boundary", "distance")
"""What the three output channels mean, in this order."""

WIDTHS = (24, 48, 72, 96)
"""Channels of each level, if nothing else is asked for."""

FOREGROUND_SHARE, BOUNDARY_SHARE = 0.2, 0.1
"""Shares that an untrained network predicts, so that its first steps do not go into learning that objects are rare."""


@dataclass(frozen=True)
class NetworkShape:
    """What determines the architecture.

    Parameters
    ----------
    axes
        ``YX`` or ``ZYX``.
    channels
        Number of input channels.
    widths
        Channels of each level: the first at the resolution after the first stride, each further one a stride below.
    strides
        Stride of each level along each axis; as many as there are widths.
    fine
        Channels at full resolution, of the skip connection that keeps outlines sharp.
    """

    axes: str = "YX"
    channels: int = 1
    widths: tuple[int, ...] = WIDTHS
    strides: tuple[tuple[int, ...], ...] = ((2, 2), (2, 2), (2, 2), (2, 2))
    fine: int = 8

    def __post_init__(self) -> None:
        """Refuse shapes that make no network."""
        bad = (
            self.axes not in ("YX", "ZYX")
            or self.channels < 1
            or self.fine < 1
            or not 1 <= len(self.widths) <= 8
            or any(width < 1 or width > 4096 for width in self.widths)
            or len(self.strides) != len(self.widths)
            or any(
                len(stride) != len(self.axes) or any(step not in (1, 2) for step in stride)
                for stride in self.strides
            )
        )
        if bad:
            raise SegmentationError(
                "", f"no network has the shape {asdict(self)}", "Give a width and strides of 1 or 2 a level"
            )

    @property
    def multiple(self) -> tuple[int, ...]:
        """What the size of an input must be divisible by along each axis."""
        product = [1] * len(self.axes)
        for stride in self.strides:
            product = [one * step for one, step in zip(product, stride, strict=True)]
        return tuple(product)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "axes": self.axes,
            "channels": self.channels,
            "widths": list(self.widths),
            "strides": [list(stride) for stride in self.strides],
            "fine": self.fine,
        }

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> NetworkShape:
        """Return the shape that :meth:`to_json` wrote.

        Raises
        ------
        SegmentationError
            If it is no such shape.
        """
        try:
            return NetworkShape(
                str(values["axes"]),
                int(values["channels"]),
                tuple(int(width) for width in values["widths"]),
                tuple(tuple(int(step) for step in stride) for stride in values["strides"]),
                int(values["fine"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise SegmentationError(
                "", "the description of the network is incomplete", "Train or fetch the model again"
            ) from error


def shape_for(
    axes: str,
    channels: int,
    *,
    widths: Sequence[int] = WIDTHS,
    anisotropy: float = 1.0,
    depth: int | None = None,
) -> NetworkShape:
    """Return a shape whose strides along Z fit the voxels.

    Z is halved with Y and X only from the level on at which a voxel is no longer than wide, and while at least four
    planes of a patch are left.

    Parameters
    ----------
    axes, channels, widths
        As in :class:`NetworkShape`.
    anisotropy
        Step along Z over the size of a pixel.
    depth
        Planes of a training patch; None for as many as it takes.
    """
    strides: list[tuple[int, ...]] = []
    ratio, left = max(1.0, anisotropy), depth if depth is not None else 1 << 30
    for _ in widths:
        if axes == "YX":
            strides.append((2, 2))
            continue
        halved = ratio < 2.0**0.5 * 1.01 and left % 2 == 0 and left // 2 >= 4
        strides.append((2 if halved else 1, 2, 2))
        ratio, left = (ratio, left // 2) if halved else (max(1.0, ratio / 2), left)
    return NetworkShape(axes, channels, tuple(widths), tuple(strides))


def build_network(shape: NetworkShape, *, seed: int = 0) -> Any:
    """Return an untrained network.

    Parameters
    ----------
    shape
        Its architecture.
    seed
        Of the weights: He et al. (2015) for layers before a rectifier.

    Returns
    -------
    torch.nn.Module
        Takes float32 (n, C, [Z,] Y, X) whose sizes are multiples of ``shape.multiple``; returns float32
        (n, 3, [Z,] Y, X): the logits of foreground and boundary, and the distance to the outside of an object over
        the largest in that object (0 to 1, not clipped).
    """
    with seeded(seed):
        return _unet_class()(shape)


def _unet_class() -> Any:
    """Return the class; made when first needed, because it derives from one of PyTorch, which takes long to import."""
    torch = torch_module()
    nn = torch.nn

    class UNet(nn.Module):  # type: ignore[misc, name-defined]
        """See :func:`build_network`; Ronneberger et al. (2015), with strides for pooling and one coarser entrance."""

        def __init__(self, shape: NetworkShape) -> None:
            super().__init__()
            flat = shape.axes == "YX"
            conv = nn.Conv2d if flat else nn.Conv3d
            norm = nn.BatchNorm2d if flat else nn.BatchNorm3d

            def block(inside: int, outside: int, stride: tuple[int, ...] | int = 1) -> Any:
                return nn.Sequential(
                    conv(inside, outside, 3, stride=stride, padding=1, bias=False),
                    norm(outside),
                    nn.ReLU(inplace=True),
                )

            widths, fine = shape.widths, shape.fine
            self.entrance = block(shape.channels, fine)
            before = (fine, *widths[:-1])
            self.down = nn.ModuleList(
                nn.Sequential(block(inside, width, stride), block(width, width))
                for inside, width, stride in zip(before, widths, shape.strides, strict=True)
            )
            self.up = nn.ModuleList(
                nn.Sequential(block(below + width, width), block(width, width))
                for below, width in zip(widths[:0:-1], widths[-2::-1], strict=True)
            )
            self.rise = nn.ModuleList(
                nn.Upsample(scale_factor=tuple(float(step) for step in stride), mode="nearest")
                for stride in shape.strides[::-1]
            )
            self.narrow = conv(widths[0], fine, 1)
            self.last = block(2 * fine, 2 * fine)
            self.head = conv(2 * fine, len(OUTPUTS), 1)
            for part in self.modules():
                if isinstance(part, conv):
                    nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
            nn.init.zeros_(self.narrow.bias)
            nn.init.normal_(self.head.weight, std=0.01)
            with torch.no_grad():
                shares = torch.tensor([FOREGROUND_SHARE, BOUNDARY_SHARE])
                self.head.bias.copy_(torch.cat([torch.logit(shares), torch.tensor([0.2])]))

        def forward(self, pixels: Any) -> Any:
            full = self.entrance(pixels)
            kept = []
            deep = full
            for level in self.down:
                deep = level(deep)
                kept.append(deep)
            kept.pop()
            for rise, level in zip(self.rise, self.up, strict=False):
                deep = level(torch.cat([rise(deep), kept.pop()], 1))
            deep = self.rise[-1](self.narrow(deep))
            return self.head(self.last(torch.cat([deep, full], 1)))

    return UNet
