"""What a camera makes of photons."""

from __future__ import annotations

import numpy as np

from micrographia.simulation.options import Camera


def expose(photons: np.ndarray, camera: Camera, rng: np.random.Generator) -> np.ndarray:
    """Count photons, with all that is random about it.

    Parameters
    ----------
    photons
        Expected photons per pixel during the exposure, any shape, not negative.
    camera
        Quantum efficiency, read noise, gain, offset, bits and full well: see ``Camera`` for the formula.
    rng
        Where chance comes from.

    Returns
    -------
    ndarray
        Counts of the same shape, uint8 up to 8 bits and uint16 above.

    Examples
    --------
    >>> import numpy as np
    >>> dark = expose(np.zeros((64, 64)), Camera(read_noise=0), np.random.default_rng(1))
    >>> dark.dtype, int(dark.min()), int(dark.max())
    (dtype('uint16'), 100, 100)
    """
    electrons = rng.poisson(photons * camera.quantum_efficiency).astype(np.float32)
    if camera.read_noise > 0:
        electrons += np.float32(camera.read_noise) * rng.standard_normal(electrons.shape, dtype=np.float32)
    np.minimum(electrons, np.float32(camera.full_well), out=electrons)
    electrons *= np.float32(camera.gain)
    electrons += np.float32(camera.offset)
    np.rint(electrons, out=electrons)
    np.clip(electrons, 0, camera.white, out=electrons)
    return electrons.astype(np.uint8 if camera.bits <= 8 else np.uint16)
