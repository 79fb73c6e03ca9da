"""Train the reference model on simulated nuclei for a moment, and score it on wells that it never saw.

Run ``python examples/train_and_evaluate.py [FOLDER]``; without a folder it writes to a temporary one. A real training
takes some thousand steps; see docs/training.md.
"""

import sys
import tempfile
from pathlib import Path

from micrographia.dataset.describe import DescribeOptions, describe
from micrographia.report.matrix_page import write_matrix_page
from micrographia.segmentation.evaluation.matrix import Options, evaluate
from micrographia.segmentation.evaluation.result import write_result
from micrographia.segmentation.training.options import TrainOptions
from micrographia.segmentation.training.training import train
from micrographia.simulation import Cells, simulate_dataset


def main(folder: Path) -> None:
    dataset = folder / "nuclei"
    simulate_dataset(dataset, images=8, shape=(96, 112), cells=Cells(count=4), seed=2)
    describe(
        dataset,
        DescribeOptions(groups=("well=treatments.csv:well",), split="treatments.csv:split", quiet=True),
    )

    model = folder / "unet"
    options = TrainOptions(
        [dataset], model, steps=80, evaluations=4, patch=(64, 64), batch=4, widths=(8, 16), group="well"
    )
    train(options, quiet=True)

    matrix = evaluate(
        Options(models=(str(model),), datasets=(str(dataset),), budget=4),
        folder / "matrix",
        workers=1,
        quiet=True,
    )
    write_result(matrix.result, folder / "matrix")
    write_matrix_page(matrix.result, folder / "matrix/index.html")
    for cell in matrix.result["cells"]:
        score = cell["scores"]["f1@0.5"]["value"]
        print(f"{cell['model']}: F1 {score:.2f}, {cell['status']}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as place:
            main(Path(place))
