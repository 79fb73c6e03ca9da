"""The vocabulary of channel roles: what a channel shows, and the stains, markers and names that say so.

A role is the structure that a channel shows (``nucleus``) or the contrast it was taken with (``phase_contrast``). Dyes
that go to one place (DAPI, phalloidin) name a role; fluorescent proteins, secondary antibodies and filters (GFP, Alexa
647, Cy5) can be anywhere and name none but :data:`FLUORESCENCE`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Literal, cast

from micrographia.metadata.remembering import remembered

Kind = Literal["structure", "transmission", "colour", "other"]

FLUORESCENCE = "fluorescence_other"
"""Role of a channel of which only the dye or the wavelength is known."""
TRANSMITTED = "brightfield"
COLOUR = "colour"
"""Role of each of the three channels of a colour picture of which nobody says what was stained."""


@dataclass(frozen=True, slots=True)
class Role:
    """What a channel can show.

    Parameters
    ----------
    name
        As models and datasets write it.
    meaning
        What such a channel shows.
    kind
        ``structure`` of a cell or tissue, ``transmission`` (contrast without a stain), ``colour`` (a picture of three
        channels), or ``other``.
    synonyms
        Stains, markers and names that stand for it, in lower case, as whole words; what ends in ``.`` begins a word.
    broader
        The role that it is a kind of; empty if none. Who asks for the broader one takes it, too.
    """

    name: str
    meaning: str
    kind: Kind
    synonyms: tuple[str, ...]
    broader: str = ""


_TABLE = """
nucleus|structure|nuclei: DNA, chromatin or histones
  dapi, hoechst, dna, nucleus, nuclei, nuclear, nuc, draq5, draq7, sytox, nucblue, nucred, nucgreen, nucspot, nucview,
  nuclight, chromatin, histone, h2b, h2a, h3, h3k., feulgen, picogreen, dyecycle, syto 9, syto9, syto 13, syto13,
  syto 16, syto16, syto 24, syto24, syto deep red, iridium, ir191, ir193, 191ir, 193ir, nls, 7aad, 7 aad, methyl green,
  toto 3, toto3, yoyo 1, yoyo1, haematoxylin, hematoxylin
nuclear_envelope|structure|the envelope of nuclei
  nuclear envelope, nuclear membrane, lamin, lamin a, lamin b1, lmnb1, lmna, nup98, nup153, nucleoporin, nuclear pore
nucleolus|structure|nucleoli and RNA
  nucleolus, nucleoli, nucleolar, syto, syto 14, syto14, syto rnaselect, rna, fibrillarin, nucleolin, npm1
membrane|structure|the outer membrane of cells, and what joins them
  membrane, plasma membrane, cell membrane, wga, wheat germ agglutinin, cellmask plasma membrane, cellbrite, cadherin,
  e cadherin, n cadherin, ecad, cdh, cdh1, cdh2, epcam, catenin, b catenin, beta catenin, zo 1, zo1, na k atpase, caax,
  fm4 64, fm1 43, dii, dio, memglow, membright, claudin, occludin
cell_wall|structure|walls of the cells of plants, fungi and bacteria
  cell wall, calcofluor, fluorescent brightener, renaissance 2200, sr2200, congo red
cytoplasm|structure|the body of cells: a stain or protein all over the cytoplasm
  cytoplasm, cytoplasmic, cytosol, cytosolic, cyto, whole cell, cell body, celltracker, cell tracker, calcein, cfse,
  cellmask, cell mask, eosin
actin|structure|filamentous actin
  actin, f actin, phalloidin, phallodin, lifeact, utrophin, utrch, actb
tubulin|structure|microtubules
  tubulin, microtubule, tuba1b, tubb, emtb, ensconsin, map4
intermediate_filament|structure|intermediate filaments
  vimentin, keratin, cytokeratin, panck, pan ck, ck8, ck18, ck5, krt8, krt18, krt5, desmin, gfap, nestin, neurofilament
mitochondria|structure|mitochondria
  mito, mitochondria, mitochondrion, mitochondrial, mitochondrial membrane, mitotracker, mito tracker, tmrm, tmre,
  tom20, tomm20, tom70, cox iv, coxiv, cox8, hsp60, atp5a, cytochrome c, jc 1
er|structure|the endoplasmic reticulum
  er, endoplasmic reticulum, con a, cona, concanavalin, concanavalin a, calnexin, calreticulin, kdel, sec61,
  er tracker, ertracker, pdi
golgi|structure|the Golgi apparatus
  golgi, gm130, golgin, giantin, tgn46, tgn38, galt, st6gal1, mannosidase ii
actin_golgi_membrane|structure|actin, Golgi and plasma membrane in one channel, as in Cell Painting
  agp, actin golgi membrane, actin golgi plasma membrane, phalloidin wga, wga phalloidin, phalloidin and wga,
  wga and phalloidin
lysosome|structure|lysosomes
  lysosome, lysosomal, lysotracker, lysosensor, lamp1, lamp2, cathepsin
endosome|structure|endosomes
  endosome, endosomal, eea1, rab5, rab7, rab11, transferrin
peroxisome|structure|peroxisomes
  peroxisome, peroxisomal, pex14, pmp70, catalase
lipid_droplet|structure|lipid droplets
  lipid droplet, bodipy 493, nile red, lipidtox, perilipin, plin2, oil red o
centrosome|structure|centrosomes
  centrosome, gamma tubulin, g tubulin, pericentrin, centrin, cep192
extracellular_matrix|structure|collagen and other matrix between cells
  extracellular matrix, ecm, collagen, fibronectin, laminin, elastin, second harmonic, shg
fluorescence_other|other|fluorescence of which only the dye, protein or wavelength is known
  gfp, egfp, mgfp, megfp, sfgfp, emerald, memerald, rfp, tagrfp, bfp, tagbfp, cfp, ecfp, yfp, eyfp, venus, citrine,
  cerulean, mturquoise, mturquoise2, mneongreen, neongreen, clover, mcherry, cherry, mscarlet, scarlet, mruby, tdtomato,
  tomato, mkate, dsred, irfp, mirfp, halotag, halo, snap tag, jf549, jf646, fitc, tritc, rhodamine, texas red, texasred,
  txred, cy2, cy3, cy5, cy7, alexa., af350, af405, af488, af532, af546, af555, af568, af594, af633, af647, af680, af750,
  atto., dylight., cf488, cf568, cf640, opal., autofluorescence, fluorescence, fluorescent, fluo, fluor,
  propidium iodide, pi, dna paint
brightfield|transmission|transmitted light without further contrast
  brightfield, bright field, bf, transmitted light, transmitted, transmission, trans, tl, td, t pmt, tpmt, esid
phase_contrast|transmission|phase contrast
  phase contrast, phasecontrast, phase, phc, ph, ph1, ph2, ph3, zernike
dic|transmission|differential interference contrast
  dic, differential interference contrast, nomarski
darkfield|transmission|dark field
  darkfield, dark field
quantitative_phase|transmission|optical path, from holography or computed from several images
  quantitative phase, qpi, dhm, holography, holographic, refractive index, optical path
electron|other|electron microscopy
  electron, sem, tem, sbfsem, fib sem, fibsem, transmission electron microscopy
colour|colour|a colour picture: red, green and blue of one camera image
  color, rgb
he<colour|colour|a colour picture of tissue stained with haematoxylin and eosin
  h&e, haematoxylin and eosin, hematoxylin and eosin, haematoxylin eosin, hematoxylin eosin
ihc<colour|colour|a colour picture of tissue stained with haematoxylin and, in brown, an antibody
  hdab, h dab, immunohistochemistry
"""


def _roles(table: str) -> dict[str, Role]:
    found = {}
    for line in table.strip().replace(",\n  ", ", ").replace("\n  ", "|").splitlines():
        named, kind, meaning, words = line.split("|")
        name, _, broader = named.partition("<")
        found[name] = Role(name, meaning, cast("Kind", kind), tuple(words.split(", ")), broader)
    return found


ROLES: Mapping[str, Role] = MappingProxyType(_roles(_TABLE))
"""Name of a role to the role."""

_WAVELENGTH = re.compile(r"^\D{0,6}(?:ex|em)?\s*([3-9]\d\d)\s*(?:nm)?$")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})")
_SEPARATORS = re.compile(r"[^0-9a-zα-ω&]+")
_GREEK = {"α": "alpha", "β": "beta", "γ": "gamma"}


def plain(name: str) -> str:
    """Return a name as synonyms are written: in lower case, with single spaces between its words.

    Examples
    --------
    >>> plain("F-Actin_(Phalloidin)")
    'f actin phalloidin'
    """
    low = name.lower()
    for letter, word in _GREEK.items():
        low = low.replace(letter, f" {word} ")
    return _SEPARATORS.sub(" ", low).strip()


@remembered
def roles_in(name: str) -> tuple[str, ...]:
    """Return all roles that a name speaks of, by their place in it; a longer synonym covers the shorter ones in it.

    Examples
    --------
    >>> roles_in("gamma-tubulin")
    ('centrosome',)
    >>> roles_in("DAPI + GFP-actin")
    ('nucleus', 'actin')
    """
    found: dict[str, None] = {}
    for text in dict.fromkeys((plain(name), plain(_CAMEL.sub(" ", name)))):
        spans: list[tuple[int, int, str]] = []
        for pattern, role in _patterns():
            for match in pattern.finditer(text):
                if not any(start < match.end() and match.start() < stop for start, stop, _ in spans):
                    spans.append((*match.span(), role))
        found |= dict.fromkeys(role for _, _, role in sorted(spans))
    weak = {FLUORESCENCE}
    if any(ROLES[role].kind == "transmission" for role in found if role != TRANSMITTED):
        weak.add(TRANSMITTED)  # `TL DIC`: the light is told beside the contrast
    said = [role for role in found if role not in weak]
    return tuple(said) or tuple(found)


def role_of(name: str) -> str | None:
    """Return the role that the name of a channel tells, or None if it tells none or several.

    Parameters
    ----------
    name
        As a file, a person or a model writes it: a stain, a marker, a structure, or a role.

    Examples
    --------
    >>> role_of("w1 Hoechst 33342"), role_of("MitoTracker Deep Red"), role_of("GFP"), role_of("Channel 1")
    ('nucleus', 'mitochondria', 'fluorescence_other', None)
    """
    text = plain(name)
    if text.replace(" ", "_") in ROLES:
        return text.replace(" ", "_")
    if not text:
        return None
    found = roles_in(name)
    if len(found) == 1:
        return found[0]
    if found:
        return None
    wavelength = _WAVELENGTH.match(text)
    return FLUORESCENCE if wavelength and 350 <= int(wavelength[1]) <= 850 else None


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return what to look for in a plain name, the longest first."""
    words = [(word, role.name) for role in ROLES.values() for word in role.synonyms]
    words += [(role.name.replace("_", " "), role.name) for role in ROLES.values()]
    made: dict[str, tuple[re.Pattern[str], str]] = {}
    for word, role in sorted(words, key=lambda pair: -len(pair[0])):
        text = plain(word)
        end = "" if word.endswith(".") else r"(?!\d)" if text[-1].isdigit() else r"s?(?![a-z])"
        made.setdefault(text, (re.compile(rf"(?<![a-z]){re.escape(text)}{end}"), role))
    return tuple(made.values())
