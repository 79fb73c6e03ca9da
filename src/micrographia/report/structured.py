"""Data inside a page that machines read: JSON-LD that nothing in it can end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markupsafe import Markup

ESCAPES = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}
"""Characters that could end or open something in a page; JSON reads their escapes alike."""


def script_json(document: Any) -> Markup:
    r"""Return a document as JSON for the inside of a ``<script type="application/ld+json">``.

    Examples
    --------
    >>> print(script_json({"name": "</script><!--"}))
    {"name": "\u003c/script\u003e\u003c!--"}
    """
    from markupsafe import Markup

    text = json.dumps(document, ensure_ascii=False).translate(ESCAPES)
    return Markup(text.encode("utf-8", "replace").decode())  # noqa: S704 - no character can leave the script
