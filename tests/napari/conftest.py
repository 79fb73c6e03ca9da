"""npe2 speaks an older dialect of pydantic, which warns; here warnings are errors."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import npe2
    import npe2.io_utils  # noqa: F401
