"""Simulate a lab's folder with a few planted defects, and one field with all that is known about it.

Run ``python examples/simulate.py [FOLDER]``; without a folder it writes to a temporary one.
"""

import sys
import tempfile
from pathlib import Path

from micrographia.simulation import (
    ALL_CHANNELS,
    Cells,
    Plate,
    Treatment,
    phenotype,
    plant_defects,
    simulate_dataset,
    simulate_field,
)


def main(folder: Path) -> None:
    drug = Treatment("drug", (phenotype("larger_nuclei"),), doses=(0.5, 1.0), wells=2)
    plate = Plate(name="plateA", rows=2, columns=4, treatments=(drug,))
    rows = simulate_dataset(folder, plate=plate, images=8, seed=1)
    print(f"Wrote {len(rows)} images with masks and a spreadsheet to {folder}")
    for planted in plant_defects(folder, ["mask_0_255", "missing_mask", "duplicate_image"], seed=1):
        print(f"  planted {planted.defect}: {', '.join(planted.files)} ({planted.detail})")

    for strength in (0.0, 0.5, 1.0):
        treated = [phenotype("larger_nuclei", strength), phenotype("clustered_puncta", strength)]
        field = simulate_field(
            (256, 256), seed=7, cells=Cells(count=12), channels=ALL_CHANNELS, phenotypes=treated
        )
        whole = field.objects[~field.objects.nucleus_at_border & (field.objects.nucleus_area > 0)]
        area = whole.nucleus_area.mean() * field.scale["y"] * field.scale["x"]
        print(
            f"Strength {strength:.1f}: {len(field.objects)} cells, mean area of a nucleus {area:.0f} square micrometers"
        )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary) / "lab")
