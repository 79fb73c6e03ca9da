"""YAML that came with a model: plain values only, bounded in size, depth and aliases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from micrographia.errors import MetadataError
from micrographia.metadata.yaml_parsing import read_document
from micrographia.segmentation.metrics.errors import SegmentationError


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the names and values of a file; empty if it holds nothing.

    Raises
    ------
    SegmentationError
        If it cannot be read, is no YAML, holds tags, grows beyond what a description needs, or is no mapping.
    """
    import yaml

    try:
        # Refuses aliases that multiply; the values themselves are typed by PyYAML, as other readers of them do.
        text = read_document(path).text
        held = yaml.safe_load(text)
    except MetadataError as error:
        raise SegmentationError(path, error.problem, error.remedy) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SegmentationError(path, "is no YAML that can be read", "Mend it, or fetch it again") from error
    if held is None:
        return {}
    if not isinstance(held, dict):
        raise SegmentationError(path, "holds no names with values", "Write lines such as: axes: YX")
    return {str(name): value for name, value in held.items()}
