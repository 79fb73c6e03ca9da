"""What the terms of another format leave unsaid of a description, and how it is laid over what they say."""

from __future__ import annotations

from micrographia.metadata.taking import Plain


def beyond(plain: Plain, back: Plain) -> Plain:
    """Return the fields that reading a format's own terms would not give back; null for what it would add.

    Parameters
    ----------
    plain
        The description.
    back
        The description that the format's own terms give.

    Examples
    --------
    >>> beyond({"study": {"title": "Cork"}, "waivers": [{"code": "P004"}]}, {"study": {"title": "Cork", "doi": "x"}})
    {'study': {'doi': None}, 'waivers': [{'code': 'P004'}]}
    """
    names = [name for name in dict.fromkeys([*plain, *back]) if name != "micrographia_format"]
    rest = {name: plain.get(name) for name in names if plain.get(name) != back.get(name)}
    ours, theirs = plain.get("study", {}), back.get("study", {})
    if "study" in rest and isinstance(ours, dict) and isinstance(theirs, dict):
        fields = dict.fromkeys([*ours, *theirs])
        rest["study"] = {name: ours.get(name) for name in fields if ours.get(name) != theirs.get(name)}
    return rest


def over(back: Plain, rest: Plain) -> Plain:
    """Return what a format's own terms say, with what they leave unsaid laid over it.

    Examples
    --------
    >>> over({"study": {"title": "Cork", "doi": "x"}}, {"study": {"doi": None}, "waivers": [{"code": "P004"}]})
    {'study': {'title': 'Cork'}, 'waivers': [{'code': 'P004'}]}
    """
    found = dict(back)
    for name, value in rest.items():
        held = found.get(name)
        if name == "study" and isinstance(value, dict) and isinstance(held, dict | None):
            found[name] = _without_null({**(held or {}), **value})
        else:
            found[name] = value
    return _without_null(found)


def _without_null(values: Plain) -> Plain:
    return {name: value for name, value in values.items() if value is not None}
