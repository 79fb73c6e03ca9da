"""Channel roles: models and datasets meet by what a channel shows, not by its number.

What is known of the channels of an image, the surest first: what people say in ``mifa.yaml`` (``specimens``,
``channels``); that it is a colour picture; the names in the file, or in the column ``channel`` of ``files.tsv``; for a
single channel without a name an imaging method in ``mifa.yaml`` that tells (phase contrast). Where nothing tells, the
role is None and :func:`explain_channels` says why: nobody guesses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from micrographia.dataset import Dataset
from micrographia.images import Image
from micrographia.loading.errors import LoadingError
from micrographia.loading.roles_vocabulary import COLOUR, FLUORESCENCE, ROLES, Role, plain, role_of, roles_in
from micrographia.metadata import Mifa, find_method

__all__ = [
    "ANY",
    "ROLES",
    "ChannelRole",
    "Role",
    "channel_roles",
    "explain_channels",
    "image_channel_roles",
    "match_roles",
    "role_of",
    "stated_roles",
]

ANY = "any"
"""What is wanted when every channel that nothing else is wanted from will do."""
WHOLE = "*"
"""Key of :func:`stated_roles` for what holds for an image of one unnamed channel or of one picture in colour."""
_METHODS = {
    "FBbi:00000243": "brightfield",
    "FBbi:00000244": "darkfield",
    "FBbi:00000245": "dic",
    "FBbi:00000247": "phase_contrast",
    "FBbi:00000256": "electron",
    "FBbi:00000257": "electron",
    "FBbi:00000258": "electron",
    "FBbi:00000380": "electron",
    "FBbi:00000585": "electron",
    "FBbi:00050000": "electron",
}
"""Imaging methods that say what a single channel is."""


@dataclass(frozen=True, slots=True)
class ChannelRole:
    """What is known of one channel.

    Parameters
    ----------
    index
        Its place along C.
    name
        Its name; empty if it has none.
    role
        A key of :data:`ROLES`, or None.
    reason
        Where the role is from, or why there is none, as a clause.
    """

    index: int
    name: str
    role: str | None
    reason: str


def channel_roles(dataset: Dataset, image_id: str) -> tuple[str | None, ...]:
    """Return the role of each channel of an image; None where nothing tells it.

    Only headers are read.

    Parameters
    ----------
    dataset
        The dataset.
    image_id
        One of its images.

    Raises
    ------
    DatasetError, ImageError
        If there is no such image, or its header cannot be read.
    """
    return tuple(channel.role for channel in explain_channels(dataset, image_id))


def explain_channels(dataset: Dataset, image_id: str) -> tuple[ChannelRole, ...]:
    """Return what is known of each channel of an image, and where from; see :func:`channel_roles`."""
    with dataset.image(image_id) as image:
        return image_channel_roles(image, stated_roles(dataset.mifa))


def stated_roles(mifa: Mifa) -> dict[str, str]:
    """Return the roles that people state: name of a channel (in lower case) to role.

    What holds for the whole of an image that has one unnamed channel, or is a colour picture, stands under ``"*"``: a
    channel that is stated without a name, or an imaging method where all that are stated tell the same. Contradictions
    count as not stated.
    """
    stated: dict[str, set[str]] = {}
    for specimen in mifa.specimens:
        for channel in specimen.channels:
            told = next(
                (
                    role
                    for text in (channel.role, channel.biological_entity, channel.content)
                    if text and (role := role_of(text))
                ),
                None,
            )
            if told:
                stated.setdefault(plain(channel.name or "") or WHOLE, set()).add(told)
    if WHOLE not in stated:
        methods = [a.imaging_method for a in mifa.image_acquisitions if a.imaging_method is not None]
        said = {_method_role(m.ontology_id, m.value) for m in methods}
        if len(said) == 1 and (only := said.pop()):
            stated[WHOLE] = {only}
    prepared = [specimen.sample_preparation or "" for specimen in mifa.specimens]
    if prepared and all("he" in roles_in(text) for text in prepared):
        stated.setdefault(COLOUR, {"he"})
    return {name: found.pop() for name, found in stated.items() if len(found) == 1}


def image_channel_roles(image: Image, stated: Mapping[str, str] | None = None) -> tuple[ChannelRole, ...]:
    """Return what is known of each channel of an opened image.

    Parameters
    ----------
    image
        The image; only its header is looked at.
    stated
        What people say, from :func:`stated_roles`.
    """
    said = stated or {}
    names = [channel.name for channel in image.channels] or [""] * image.size("C")
    if image.rgb:
        role, reason = _colour(said)
        return tuple(ChannelRole(at, name, role, reason) for at, name in enumerate(names))
    return tuple(_one(at, name, len(names), said) for at, name in enumerate(names))


def match_roles(
    wanted: Sequence[str], roles: Sequence[str | None], names: Sequence[str] = (), *, path: str = ""
) -> tuple[int, ...]:
    """Return which channels of an image are wanted, in the order in which they are wanted.

    A role that is wanted as often as there are channels of it takes them in their order; a colour picture is one wanted
    role and three channels. ``"any"`` takes all channels that nothing else takes, at least one.

    Parameters
    ----------
    wanted
        Roles (keys of :data:`ROLES`), what stands for one (``DAPI``), names of channels, or ``"any"``.
    roles
        Of the channels of the image, from :func:`channel_roles`.
    names
        Names of the channels, where they may be wanted by name; a name holds over a role.
    path
        What an error names: the image.

    Raises
    ------
    LoadingError
        If a role is wanted that no channel has, or that more have than are wanted; it names what is wanted and what
        there is.

    Examples
    --------
    >>> match_roles(["actin", "nucleus"], ["nucleus", None, "actin"])
    (2, 0)
    >>> match_roles(["nucleus", "any"], [None, "nucleus"])
    (1, 0)
    """
    called = {plain(name): at for at, name in enumerate(names) if name}
    slots: list[tuple[int, ...]] = []
    exact = [called.get(plain(word)) if word != ANY else None for word in wanted]
    taken = {at for at in exact if at is not None}
    keys = [_key(word, at, path) for word, at in zip(wanted, exact, strict=True)]
    for place, (word, at, key) in enumerate(zip(wanted, exact, keys, strict=True)):
        if at is not None:
            slots.append((at,))
            continue
        if key == ANY:
            slots.append(())
            continue
        fitting = [n for n, role in enumerate(roles) if n not in taken and _is_a(role, key)]
        count = keys.count(key)
        if not fitting or (len(fitting) != count and not _picture(fitting, roles, count)):
            raise _unmatched(word, key, fitting, wanted, roles, names, path)
        slots.append(tuple(fitting) if len(fitting) != count else (fitting[keys[:place].count(key)],))
    used = {at for slot in slots for at in slot}
    rest = tuple(at for at in range(len(roles)) if at not in used)
    if ANY in keys:
        if not rest:
            raise _unmatched(ANY, ANY, [], wanted, roles, names, path)
        slots[keys.index(ANY)] = rest
    return tuple(at for slot in slots for at in slot)


def _one(at: int, name: str, count: int, said: Mapping[str, str]) -> ChannelRole:
    key = plain(name)
    if key and key in said:
        return ChannelRole(at, name, said[key], "stated in mifa.yaml")
    if not key:
        if count == 1 and WHOLE in said:
            return ChannelRole(at, name, said[WHOLE], "stated in mifa.yaml")
        return ChannelRole(at, name, None, "it has no name")
    found = role_of(name)
    if found == FLUORESCENCE:
        return ChannelRole(at, name, found, f"the name {name!r} tells a dye or wavelength, not what it marks")
    if found is not None:
        return ChannelRole(at, name, found, f"from the name {name!r}")
    several = roles_in(name)
    if several:
        return ChannelRole(at, name, None, f"the name {name!r} speaks of {' and '.join(several)}")
    return ChannelRole(at, name, None, f"the name {name!r} is none that is known")


def _colour(said: Mapping[str, str]) -> tuple[str, str]:
    for key in (WHOLE, COLOUR):
        role = said.get(key)
        if role is not None and ROLES[role].kind == "colour":
            return role, "a colour picture; mifa.yaml says of what"
    return COLOUR, "a colour picture; nothing says what was stained"


def _method_role(ontology_id: str | None, value: str | None) -> str | None:
    for text in (ontology_id, value):
        term = find_method(text) if text else None
        if term is not None:
            return _METHODS.get(term.fbbi)
    return None


def _is_a(role: str | None, wanted: str) -> bool:
    while role is not None and role != wanted:
        role = ROLES[role].broader or None if role in ROLES else None
    return role == wanted


def _picture(fitting: Sequence[int], roles: Sequence[str | None], count: int) -> bool:
    held = {roles[at] for at in fitting}
    return count == 1 and all(role in ROLES and ROLES[role].kind == "colour" for role in held if role)


def _key(word: str, at: int | None, path: str) -> str:
    """Return the role that is wanted; empty for a channel that is called so."""
    if at is not None:
        return ""
    if word == ANY:
        return ANY
    role = role_of(word)
    if role is not None:
        return role
    near = get_close_matches(word.lower(), ROLES, 1, 0.75)
    remedy = (
        f"Did you mean {near[0]}?" if near else f"Roles are {', '.join(ROLES)}; a stain is understood, too"
    )
    raise LoadingError(path, f"no channel is called {word!r}, and it is no channel role", remedy)


def _unmatched(
    word: str,
    key: str,
    fitting: Sequence[int],
    wanted: Sequence[str],
    roles: Sequence[str | None],
    names: Sequence[str],
    path: str,
) -> LoadingError:
    labels = [*names, *[""] * (len(roles) - len(names))]
    held = "; ".join(
        f"{at}: {role or 'unknown'}{f' ({name})' if name else '' if role else ', without a name'}"
        for at, (role, name) in enumerate(zip(roles, labels, strict=True))
    )
    asked = f"wanted are {', '.join(wanted)}; the image has {held or 'no channel'}"
    if fitting:
        return LoadingError(
            path,
            f"{len(fitting)} channels fit {word!r} where {list(wanted).count(word)} is wanted: {asked}",
            "Give the name of the channel",
        )
    colour = key in ROLES and ROLES[key].broader == COLOUR and COLOUR in roles
    if colour:
        remedy = f"Say in mifa.yaml that it is {key} (specimens, channels, role), or ask for {COLOUR}"
    elif None in roles or FLUORESCENCE in roles:
        remedy = (
            "Say in mifa.yaml what the channel shows (specimens, channels: name, role), or write its name into the "
            f"column channel of files.tsv; or ask for {ANY}"
        )
    else:
        remedy = "Ask for a role that it has, or leave out this image"
    return LoadingError(path, f"no channel fits {word!r}: {asked}", remedy)
