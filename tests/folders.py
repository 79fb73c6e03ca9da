"""Raw folders for tests: simulated, or writable copies of real ones."""

import shutil

from micrographia.simulation import simulate_dataset


def lab(tmp_path, images=4, **options):
    """Write a small simulated folder, as a lab would have it."""
    folder = tmp_path / "lab"
    simulate_dataset(folder, images=images, shape=(64, 80), **options)
    return folder


def copied(data, name, tmp_path):
    """Copy a real folder so that it can be described."""
    folder = tmp_path / name
    shutil.copytree(data / name, folder)
    for path in folder.rglob("*"):
        path.chmod(0o755)
    return folder
