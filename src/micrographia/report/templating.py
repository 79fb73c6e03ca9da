"""The templates of pages, with their style sheets."""

from __future__ import annotations

from importlib.resources import files as resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment


def environment(*sheets: str) -> Environment:
    """Return the templates; every text is escaped.

    Parameters
    ----------
    sheets
        Names of style sheets of ours that stand in ``css`` after the one of all pages.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    made = Environment(
        loader=PackageLoader("micrographia.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    folder = resources("micrographia.report").joinpath("templates")
    texts = (folder.joinpath(name).read_text("utf-8") for name in ("page.css", *sheets))
    made.globals["css"] = Markup("".join(texts))  # noqa: S704 - our own files
    return made
