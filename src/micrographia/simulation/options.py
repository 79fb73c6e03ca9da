"""What can be chosen in a simulation: optics, camera, channels, cells and what goes wrong with them.

All lengths are micrometers, all wavelengths too, all times seconds unless a name says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as default
from typing import Literal

Structure = Literal["nucleus", "body", "membrane", "mitochondria", "puncta"]
STRUCTURES: tuple[Structure, ...] = ("nucleus", "body", "membrane", "mitochondria", "puncta")


def _require(condition: bool, problem: str) -> None:
    if not condition:
        raise ValueError(problem)


@dataclass(frozen=True, slots=True)
class Optics:
    """A microscope: its lens, its sampling and its faults.

    Parameters
    ----------
    numerical_aperture
        Of the objective; must be below ``refractive_index``.
    refractive_index
        Of the immersion medium: 1.0 air, 1.33 water, 1.515 oil.
    pixel_size
        Side of a pixel in the sample plane, in micrometers: that of the camera divided by the magnification.
    z_step
        Distance of the planes of a stack, in micrometers. Usually larger than ``pixel_size``: voxels are anisotropic.
    defocus
        Distance of the sample from the focal plane, in micrometers; widens the blur (see ``optics.psf_sigma``).
    out_of_focus
        Share of the light, 0 to 1, that arrives as haze from other depths: a wide Gaussian of ``haze_sigma``.
    haze_sigma
        Standard deviation of the haze in all directions, in micrometers.
    background
        Photons per pixel from medium and glass, before vignetting.
    vignetting
        Share of the light lost in the corners, 0 to 1, falling with the square of the distance from the centre.
    unevenness
        Amplitude, 0 to 1, of a smooth pattern of uneven illumination.
    illumination_seed
        Chooses that pattern. It belongs to the microscope: all fields with the same number share it.
    """

    numerical_aperture: float = 0.75
    refractive_index: float = 1.0
    pixel_size: float = 0.325
    z_step: float = 1.0
    defocus: float = 0.0
    out_of_focus: float = 0.12
    haze_sigma: float = 6.0
    background: float = 12.0
    vignetting: float = 0.12
    unevenness: float = 0.05
    illumination_seed: int = 0

    def __post_init__(self) -> None:
        _require(
            0 < self.numerical_aperture < self.refractive_index,
            "numerical_aperture must lie in (0, refractive_index)",
        )
        _require(self.pixel_size > 0 and self.z_step > 0, "pixel_size and z_step must be positive")
        _require(self.haze_sigma > 0, "haze_sigma must be positive")
        _require(self.background >= 0, "background must not be negative")
        for name in ("out_of_focus", "vignetting", "unevenness"):
            _require(0 <= getattr(self, name) < 1, f"{name} must lie in [0, 1)")


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera that counts photons: shot noise, read noise, gain, offset and saturation.

    ``counts = offset + gain * electrons``, where electrons are ``Poisson(quantum_efficiency * photons)`` plus normal
    read noise, rounded and clipped to 0 and ``2**bits - 1``. Hence the photon transfer line
    ``var(counts) = gain * (mean - offset) + (gain * read_noise)**2 + 1/12`` (Janesick, Photon Transfer, SPIE 2007,
    doi:10.1117/3.725073), the last term being the rounding.

    Parameters
    ----------
    quantum_efficiency
        Electrons per photon, 0 to 1.
    read_noise
        Standard deviation of a pixel without light, in electrons.
    gain
        Counts per electron (the inverse of what data sheets call conversion gain).
    offset
        Counts without light.
    bits
        Depth of the converter, 1 to 16; files are uint8 up to 8 bits and uint16 above.
    full_well
        Electrons at which a pixel is full.
    """

    quantum_efficiency: float = 0.8
    read_noise: float = 1.6
    gain: float = 2.0
    offset: float = 100.0
    bits: int = 16
    full_well: float = 30_000.0

    def __post_init__(self) -> None:
        _require(1 <= self.bits <= 16, "bits must lie in 1 to 16")
        _require(0 < self.quantum_efficiency <= 1, "quantum_efficiency must lie in (0, 1]")
        _require(self.gain > 0 and self.full_well > 0, "gain and full_well must be positive")
        _require(self.read_noise >= 0 and self.offset >= 0, "read_noise and offset must not be negative")

    @property
    def white(self) -> int:
        """The largest count, at which the camera saturates."""
        return int(2**self.bits - 1)


EIGHT_BIT = Camera(gain=0.14, offset=6.0, bits=8)
"""A camera, or an export, of 8 bits whose range the default channels fill without saturating."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One stain and its filter.

    Parameters
    ----------
    name
        As it stands in the file.
    structures
        What the stain marks, with the brightness of each: keys among ``nucleus``, ``body``, ``membrane``,
        ``mitochondria``, ``puncta``.
    wavelength
        Of the emission, in micrometers.
    photons
        Photons per pixel that reach the camera from structure of brightness 1.
    color
        Display colour, ``RRGGBB``.
    """

    name: str
    structures: Mapping[Structure, float]
    wavelength: float
    photons: float = 600.0
    color: str = "FFFFFF"

    def __post_init__(self) -> None:
        unknown = sorted(set(self.structures) - set(STRUCTURES))
        _require(not unknown, f"channel {self.name!r}: no such structure: {', '.join(unknown)}")
        _require(
            0.2 <= self.wavelength <= 2, f"channel {self.name!r}: wavelength is in micrometers, 0.2 to 2"
        )
        _require(self.photons > 0, f"channel {self.name!r}: photons must be positive")


DNA = Channel("DNA", {"nucleus": 1.0}, 0.461, color="3F8CFF")
ACTIN = Channel("actin", {"membrane": 1.0, "body": 0.18}, 0.519, color="36D67E")
MITOCHONDRIA = Channel(
    "mitochondria", {"mitochondria": 1.0, "body": 0.06}, 0.599, photons=300.0, color="FF9A3D"
)
LYSOSOMES = Channel("lysosomes", {"puncta": 1.0, "body": 0.08}, 0.668, photons=300.0, color="F25FA6")
CHANNELS: tuple[Channel, ...] = (DNA, ACTIN, MITOCHONDRIA)
ALL_CHANNELS: tuple[Channel, ...] = (DNA, ACTIN, MITOCHONDRIA, LYSOSOMES)


@dataclass(frozen=True, slots=True)
class Cells:
    """How many cells there are, how they lie and how much they differ.

    Parameters
    ----------
    count
        Cells whose nucleus has its centre in the field (others reach in from outside), or None: by ``density``.
    density
        Where ``count`` is None: share of the field that nuclei cover, or of which they fill half in stacks.
    touching
        Share of the nuclei, 0 to 1, that are placed in contact with another.
    gap
        Smallest distance, in micrometers, between the outlines of nuclei that are not placed in contact.
    nucleus_radius
        Mean radius of a nucleus (of the circle of its area), in micrometers.
    cell_ratio
        Mean radius of a cell body over that of its nucleus. Bodies share the space where they meet.
    variation
        Scales all differences between cells: 0 makes them equal but for place and direction, 1 is usual.
    flatness
        Height of a cell over its width, 0 to 1, in stacks. In a single plane light is summed over the height.
    monolayer
        In stacks: all nuclei lie in the middle plane, as on a coverslip, instead of filling the volume.
    min_visible
        Objects of which the field shows less than this share are not annotated, as an annotator would not.
    parameters
        Other means, by the names in ``population.PARAMETERS``.
    """

    count: int | None = None
    density: float = 0.2
    touching: float = 0.1
    gap: float = 1.0
    nucleus_radius: float = 5.6
    cell_ratio: float = 2.2
    variation: float = 1.0
    flatness: float = 0.6
    monolayer: bool = False
    min_visible: float = 0.15
    parameters: Mapping[str, float] = default(default_factory=dict)

    def __post_init__(self) -> None:
        _require(self.count is None or self.count >= 0, "count must not be negative")
        _require(0 <= self.density <= 1, "density must lie in 0 to 1")
        _require(0 <= self.touching <= 1, "touching must lie in 0 to 1")
        _require(self.gap >= 0 and self.variation >= 0, "gap and variation must not be negative")
        _require(self.nucleus_radius > 0, "nucleus_radius must be positive")
        _require(self.cell_ratio >= 1.1, "cell_ratio must be at least 1.1: the nucleus lies in the cell")
        _require(0 < self.flatness <= 1, "flatness must lie in (0, 1]")
        _require(0 <= self.min_visible < 1, "min_visible must lie in [0, 1)")


@dataclass(frozen=True, slots=True)
class Nuisance:
    """What differs between wells, plates and batches without being biology.

    Parameters
    ----------
    intensity
        Factor on the light of every channel, or one factor for each.
    background
        Factor on ``Optics.background``.
    defocus
        Micrometers added to ``Optics.defocus``.
    density
        Factor on the number of cells.
    """

    intensity: float | tuple[float, ...] = 1.0
    background: float = 1.0
    defocus: float = 0.0
    density: float = 1.0

    def __post_init__(self) -> None:
        _require(all(value > 0 for value in self.factors(1)), "intensity must be positive")
        _require(self.background >= 0 and self.density >= 0, "background and density must not be negative")

    def factors(self, channels: int) -> tuple[float, ...]:
        """Return the intensity factor of each of so many channels."""
        if isinstance(self.intensity, tuple):
            return self.intensity
        return (self.intensity,) * channels


@dataclass(frozen=True, slots=True)
class Timelapse:
    """How cells move and divide.

    Parameters
    ----------
    frames
        Number of time points.
    interval
        Seconds between two of them.
    speed
        Root mean square speed of a cell, in micrometers per hour.
    persistence
        Correlation, 0 to below 1, of a cell's velocity between two frames.
    cycle
        Mean time between two divisions, in hours.
    mitosis
        Length of the rounded, condensed phase before a division, in hours.
    bleaching
        Share of the light lost per frame.
    """

    frames: int = 12
    interval: float = 600.0
    speed: float = 12.0
    persistence: float = 0.7
    cycle: float = 16.0
    mitosis: float = 0.75
    bleaching: float = 0.0

    def __post_init__(self) -> None:
        _require(self.frames >= 1, "frames must be at least 1")
        _require(self.interval > 0 and self.cycle > 0, "interval and cycle must be positive")
        _require(0 <= self.persistence < 1, "persistence must lie in [0, 1)")
        _require(0 <= self.mitosis < self.cycle, "mitosis must be shorter than cycle")
        _require(0 <= self.bleaching < 1, "bleaching must lie in [0, 1)")
        _require(self.speed >= 0, "speed must not be negative")
