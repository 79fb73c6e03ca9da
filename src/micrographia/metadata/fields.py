"""What all records of a description share, and what a field says about itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from numbers import Integral, Real
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from micrographia.metadata.trees import nothing
from micrographia.metadata.vocabulary import slug


class Kind(StrEnum):
    """What the text of a field is, beyond being text: it is checked and brought into one form by it."""

    ANNOTATION_TYPE = "annotation type"
    DATE = "date"
    DOI = "DOI"
    EMAIL = "e-mail address"
    LICENCE = "licence"
    MASK_KIND = "kind of mask"
    ONTOLOGY = "ontology term"
    ORCID = "ORCID iD"
    PMC = "PubMed Central id"
    PUBMED = "PubMed id"
    ROR = "ROR id"
    TAXON = "NCBI taxon"
    UNIT = "unit of length"
    URL = "address"


AnnotationTypeText = Annotated[str, Kind.ANNOTATION_TYPE]
DateText = Annotated[str, Kind.DATE]
Doi = Annotated[str, Kind.DOI]
Email = Annotated[str, Kind.EMAIL]
LicenceText = Annotated[str, Kind.LICENCE]
OntologyId = Annotated[str, Kind.ONTOLOGY]
Orcid = Annotated[str, Kind.ORCID]
PmcId = Annotated[str, Kind.PMC]
PubmedId = Annotated[str, Kind.PUBMED]
Ror = Annotated[str, Kind.ROR]
Taxon = Annotated[str, Kind.TAXON]
LengthUnit = Annotated[str, Kind.UNIT]
Url = Annotated[str, Kind.URL]
MaskKind = Annotated[Literal["instance", "semantic", "binary"], Kind.MASK_KIND]


class Shown(StrEnum):
    """How a fresh ``mifa.yaml`` shows a field that nobody has filled in."""

    ASK = "ask"
    OFFER = "offer"
    HIDE = "hide"


def about(
    meaning: str,
    example: Any,
    *,
    also: str = "",
    show: Shown = Shown.OFFER,
    many: bool = False,
    default: Any = None,
    factory: Callable[[], Any] | None = None,
) -> Any:
    """Declare a field of a record.

    Parameters
    ----------
    meaning
        What the field says, in a sentence for the person who fills it in.
    example
        An example of a value.
    also
        Other names under which it is read, separated by commas.
    show
        How a fresh ``mifa.yaml`` shows it.
    many
        Whether it is a list, empty by default.
    default, factory
        Value if it is not given, or what makes it.
    """
    extra: dict[str, Any] = {"also": also, "show": str(show)}
    factory = list if many else factory
    if factory is not None:
        return Field(
            default_factory=factory, description=meaning, examples=[example], json_schema_extra=extra
        )
    return Field(default=default, description=meaning, examples=[example], json_schema_extra=extra)


class Record(BaseModel):
    """A part of a description; fields that this package does not know are kept as they were written."""

    model_config = ConfigDict(extra="allow")

    text_field: ClassVar[str] = ""
    """The field that a plain text in place of the whole record stands for."""
    key_field: ClassVar[str] = ""
    """The field that a name stands for where a list of records is written as a mapping of names."""

    _unread: dict[str, Any] = PrivateAttr(default={})  # copied for each, without asking what takes a factory

    @property
    def unread(self) -> dict[str, Any]:
        """Values of known fields that could not be read, as they were written."""
        return self._unread

    @property
    def unknown(self) -> dict[str, Any]:
        """Fields that this package does not know, as they were written."""
        return self.model_extra or {}

    @property
    def is_empty(self) -> bool:
        """Whether nothing is filled in."""
        if self.unknown or any(left is not None for left in self._unread.values()):
            return False
        return not any(_is_filled(getattr(self, name)) for name in type(self).model_fields)

    def plain(self) -> dict[str, Any]:
        """Return what is filled in as dictionaries, lists and scalars, in the order of the fields.

        What could not be read and what is unknown is there too, as it was written.
        """
        filled: dict[str, Any] = {}
        unread = self._unread
        for name in type(self).model_fields:
            value = as_plain(getattr(self, name))
            left = unread.get(name)
            if isinstance(value, list) and isinstance(left, list):
                value = value + left
            if value is not None and value not in ([], {}):
                filled[name] = value
            elif left is not None:
                filled[name] = left
        return filled | self.unknown


def _is_filled(value: Any) -> bool:
    if isinstance(value, Record):
        return not value.is_empty
    return value is not None and not (isinstance(value, Mapping | list | tuple) and not value)


def fields_of(model: type[Record] | None, data: Any) -> dict[str, Any]:
    """Return the fields of a plain record; a text stands for the field that it is read as, ``"?"`` for none."""
    if isinstance(data, Mapping):
        return dict(data)
    if model is None or not model.text_field or nothing(data) or isinstance(data, list | tuple):
        return {}
    return {model.text_field: data}


def as_plain(value: Any) -> Any:
    """Return records, lists and scalars as dictionaries, lists, texts and numbers; whole numbers without a point."""
    if value is None or type(value) in (str, int, bool):
        return value
    if isinstance(value, Record):
        return value.plain()
    if isinstance(value, Mapping):
        return {str(key): as_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_plain(item) for item in value]
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        number = float(value)
        return int(number) if number.is_integer() and abs(number) < 1e15 else number
    return str(value)


@dataclass(frozen=True, slots=True)
class Spec:
    """What a field of a record takes.

    Parameters
    ----------
    name
        Its name.
    meaning, example
        What it says, and an example.
    many
        Whether it is a list.
    record
        The record that it holds; None for scalars.
    kind
        What its text is; None for free text and numbers.
    number
        ``int`` or ``float``; None for text.
    choices
        The only values that it takes; empty if it is free.
    also
        Other names under which it is read.
    show
        How a fresh ``mifa.yaml`` shows it.
    """

    name: str
    meaning: str
    example: Any
    many: bool
    record: type[Record] | None
    kind: Kind | None
    number: type[int | float] | None
    choices: tuple[str, ...]
    also: tuple[str, ...]
    show: Shown


@cache
def specs(record: type[Record]) -> dict[str, Spec]:
    """Return what each field of a record takes, by name."""
    found = {}
    for name, field in record.model_fields.items():
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        inner = _without_none(field.annotation)
        many = get_origin(inner) is list
        if many:
            inner = _without_none(get_args(inner)[0])
        kind = next((mark for mark in field.metadata if isinstance(mark, Kind)), None)
        if get_origin(inner) is Annotated:
            inner, *marks = get_args(inner)
            kind = next((mark for mark in marks if isinstance(mark, Kind)), kind)
        is_record = isinstance(inner, type) and issubclass(inner, Record)
        found[name] = Spec(
            name,
            field.description or "",
            field.examples[0] if field.examples else None,
            many,
            inner if is_record else None,
            kind,
            inner if inner in (int, float) else None,
            get_args(inner) if get_origin(inner) is Literal else (),
            tuple(word for word in str(extra.get("also", "")).split(",") if word),
            Shown(str(extra.get("show", "offer"))),
        )
    return found


def _without_none(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, UnionType):
        rest = [part for part in get_args(annotation) if part is not NoneType]
        return rest[0] if len(rest) == 1 else annotation
    return annotation


@cache
def spellings(record: type[Record]) -> dict[str, str]:
    """Return every spelling (lower case, underscores) of a field's name to the name."""
    known = {slug(name): name for name in specs(record)}
    for name, spec in specs(record).items():
        for other in spec.also:
            known.setdefault(slug(other), name)
    return known


def field_name(record: type[Record] | None, written: str) -> str | None:
    """Return the field of a record that a written name means, or None."""
    if record is None:
        return None
    return written if written in specs(record) else spellings(record).get(slug(written))
