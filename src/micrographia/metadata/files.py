"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from micrographia.errors import MetadataError


def write_whole(path: Path, data: bytes) -> None:
    """Write a file under a temporary name beside it and rename it; a link is followed, permissions are kept.

    Raises
    ------
    MetadataError
        If it cannot be written; what was there is untouched.
    """
    target = path.resolve()
    temporary = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            temporary.chmod(stat.S_IMODE(target.stat().st_mode))
        temporary.replace(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        reason = error.strerror or str(error)
        remedy = "Free some space, or look at the permissions of the folder; nothing was changed"
        raise MetadataError(path, f"it cannot be written: {reason}", remedy) from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
