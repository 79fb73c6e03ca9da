"""Organisms and imaging methods that are common in microscopy, with their terms in NCBI taxonomy and FBbi."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from micrographia.metadata.identifiers import check_fbbi, check_taxon
from micrographia.metadata.remembering import remembered
from micrographia.metadata.vocabulary import slug


@dataclass(frozen=True, slots=True)
class OrganismTerm:
    """A species.

    Parameters
    ----------
    scientific_name
        Name in NCBI taxonomy.
    taxon
        Its id, as ``NCBITaxon:9606``.
    common_names
        What else it is called; the first is the usual name.
    """

    scientific_name: str
    taxon: str
    common_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MethodTerm:
    """An imaging method.

    Parameters
    ----------
    name
        Label in FBbi, the ontology of biological imaging methods.
    fbbi
        Its id, as ``FBbi:00000251``.
    synonyms
        What else it is called.
    """

    name: str
    fbbi: str
    synonyms: tuple[str, ...] = ()


_ORGANISMS = """
Homo sapiens|9606|human, humans, man, patient
Mus musculus|10090|mouse, mice, house mouse
Rattus norvegicus|10116|rat, Norway rat, brown rat, Wistar rat
Danio rerio|7955|zebrafish, zebra fish
Drosophila melanogaster|7227|fruit fly, fruitfly, fly, drosophila
Caenorhabditis elegans|6239|nematode, C. elegans, worm, roundworm
Saccharomyces cerevisiae|4932|baker's yeast, budding yeast, brewer's yeast, S. cerevisiae, yeast
Schizosaccharomyces pombe|4896|fission yeast, S. pombe
Arabidopsis thaliana|3702|thale cress, arabidopsis, A. thaliana
Escherichia coli|562|E. coli
Bacillus subtilis|1423|B. subtilis
Pseudomonas aeruginosa|287|P. aeruginosa
Staphylococcus aureus|1280|S. aureus
Mycobacterium tuberculosis|1773|tubercle bacillus, M. tuberculosis
Vibrio cholerae|666|V. cholerae
Salmonella enterica|28901|salmonella
Streptococcus pneumoniae|1313|pneumococcus
Xenopus laevis|8355|African clawed frog
Xenopus tropicalis|8364|western clawed frog
Ambystoma mexicanum|8296|axolotl
Gallus gallus|9031|chicken, chick, hen
Sus scrofa|9823|pig, swine, wild boar
Bos taurus|9913|cow, cattle, bovine
Ovis aries|9940|sheep
Equus caballus|9796|horse
Canis lupus familiaris|9615|dog, Canis familiaris
Felis catus|9685|cat, domestic cat
Oryctolagus cuniculus|9986|rabbit
Cavia porcellus|10141|guinea pig
Cricetulus griseus|10029|Chinese hamster
Mesocricetus auratus|10036|golden hamster, Syrian hamster
Macaca mulatta|9544|rhesus macaque, rhesus monkey
Macaca fascicularis|9541|crab-eating macaque, cynomolgus monkey, long-tailed macaque
Callithrix jacchus|9483|common marmoset, marmoset
Chlorocebus sabaeus|60711|green monkey
Chlorocebus aethiops|9534|grivet, African green monkey
Pan troglodytes|9598|chimpanzee
Oryzias latipes|8090|medaka, Japanese medaka
Nematostella vectensis|45351|starlet sea anemone
Hydra vulgaris|6087|hydra
Platynereis dumerilii|6359|Dumeril's clam worm
Ciona intestinalis|7719|vase tunicate
Strongylocentrotus purpuratus|7668|purple sea urchin
Schmidtea mediterranea|79327|planarian
Tribolium castaneum|7070|red flour beetle
Parhyale hawaiensis|317513|
Dictyostelium discoideum|44689|slime mold, dictyostelium
Plasmodium falciparum|5833|malaria parasite
Plasmodium berghei|5821|
Toxoplasma gondii|5811|
Trypanosoma brucei|5691|
Candida albicans|5476|
Neurospora crassa|5141|
Chlamydomonas reinhardtii|3055|
Physcomitrium patens|3218|spreading earthmoss, Physcomitrella patens
Marchantia polymorpha|3197|common liverwort
Nicotiana benthamiana|4100|
Nicotiana tabacum|4097|tobacco
Zea mays|4577|maize, corn
Oryza sativa|4530|rice
Triticum aestivum|4565|wheat, bread wheat
Hordeum vulgare|4513|barley
Solanum lycopersicum|4081|tomato
Glycine max|3847|soybean
Medicago truncatula|3880|barrel medic
Human immunodeficiency virus 1|11676|HIV-1
synthetic construct|32630|simulated data, synthetic data, simulation
"""

_METHODS = """
microscopy|00000241|
light microscopy|00000345|optical microscopy
bright-field microscopy|00000243|brightfield, bright field, brightfield microscopy,
  transmitted light microscopy, histology, whole slide imaging
dark-field microscopy|00000244|darkfield, dark field, darkfield microscopy
differential interference contrast microscopy|00000245|DIC, DIC microscopy, Nomarski, Nomarski microscopy
fluorescence microscopy|00000246|fluorescence, widefield fluorescence, widefield fluorescence microscopy,
  wide-field fluorescence microscopy, epifluorescence, epifluorescence microscopy, immunofluorescence,
  immunofluorescence microscopy, high-content imaging, high-content screening, cell painting
phase contrast microscopy|00000247|phase contrast, phase-contrast microscopy
polarization microscopy|00000248|polarisation microscopy, polarized light microscopy
time lapse microscopy|00000249|time-lapse, live-cell time lapse
confocal microscopy|00000251|confocal, confocal fluorescence microscopy,
  confocal laser scanning microscopy, CLSM, LSCM, laser scanning confocal microscopy,
  point scanning confocal
single-spot confocal microscopy|00000252|
spinning disk confocal microscopy|00000253|spinning disk, spinning disc, spinning disc confocal microscopy
slit-scan confocal microscopy|00000392|line scanning confocal microscopy
array-scan confocal microscopy|00000393|
two-photon laser scanning microscopy|00000254|two-photon, 2-photon, two-photon microscopy, 2P microscopy
multi-photon microscopy|00000255|multiphoton, multi-photon, multiphoton microscopy
SPIM|00000369|light sheet, light-sheet microscopy, lightsheet, light sheet fluorescence microscopy, LSFM,
  selective plane illumination microscopy, single plane illumination microscopy, lattice light sheet
evanescent wave microscopy|00000617|TIRF, TIRF microscopy,
  total internal reflection fluorescence microscopy, total internal reflection fluorescence
FLIP|00000365|fluorescence loss in photobleaching
FRAP|00000366|fluorescence recovery after photobleaching
FRET|00000367|Förster resonance energy transfer, fluorescence resonance energy transfer
FLIM|00000368|fluorescence lifetime imaging, fluorescence lifetime imaging microscopy
fluorescence polarization microscopy|00000603|
CARS|00000370|coherent anti-Stokes Raman scattering
OCT|00000371|optical coherence tomography
structured illumination microscopy (SIM)|00000332|SIM, structured illumination,
  structured illumination microscopy, 3D-SIM
stimulated emission depletion (STED)|00000334|STED, STED microscopy, stimulated emission depletion,
  stimulated emission depletion microscopy
PALM (photoactivation localization microscopy)|00000335|PALM, photoactivated localization microscopy
STORM (stochastic optical reconstruction microscopy)|00000336|STORM, dSTORM,
  stochastic optical reconstruction microscopy
PAINT (point accumulation for imaging in nanoscale topography)|00000339|PAINT, DNA-PAINT
electron microscopy|00000256|EM
scanning electron microscopy (SEM)|00000257|SEM, scanning electron microscopy
transmission electron microscopy (TEM)|00000258|TEM, transmission electron microscopy
high-voltage electron microscopy (HVEM)|00000622|HVEM
scanning-transmission electron microscopy|00000380|STEM
serial block face SEM (SBFSEM)|00000585|SBFSEM, SBF-SEM, SBEM, serial block face,
  serial block-face scanning electron microscopy
focussed ion beam scanning electron microscopy (FIB-SEM)|00050000|FIB-SEM, FIBSEM,
  focused ion beam scanning electron microscopy
atomic force microscopy|00000259|AFM
scanning probe microscopy|00000344|
X-ray microscopy|00000260|
X-ray computed tomography|00001002|micro-CT, microCT, CT scan, X-ray CT
X-ray tomography|00001003|
macroscopy|00000240|photography
"""


def _rows(table: str) -> list[tuple[str, str, tuple[str, ...]]]:
    rows = []
    for line in table.strip().replace(",\n  ", ", ").splitlines():
        name, number, others = line.split("|")
        rows.append((name, number, tuple(other.strip() for other in others.split(",") if other.strip())))
    return rows


@cache
def organisms() -> tuple[OrganismTerm, ...]:
    """Return the species that are known, most common in microscopy first."""
    return tuple(
        OrganismTerm(name, f"NCBITaxon:{number}", others) for name, number, others in _rows(_ORGANISMS)
    )


@cache
def imaging_methods() -> tuple[MethodTerm, ...]:
    """Return the imaging methods that are known."""
    return tuple(MethodTerm(name, f"FBbi:{number}", others) for name, number, others in _rows(_METHODS))


@cache
def _organism_spellings() -> dict[str, OrganismTerm]:
    spellings: dict[str, OrganismTerm] = {}
    for term in organisms():
        for word in (term.scientific_name, term.taxon, *term.common_names):
            spellings.setdefault(slug(word), term)
    return spellings


@cache
def _method_spellings() -> dict[str, MethodTerm]:
    spellings: dict[str, MethodTerm] = {}
    for term in imaging_methods():
        for word in (term.name, term.fbbi, *term.synonyms):
            spellings.setdefault(slug(word), term)
    return spellings


@remembered
def find_organism(text: str) -> OrganismTerm | None:
    """Return the species that a scientific name, a common name or a taxon stands for, if it is a common one.

    Examples
    --------
    >>> find_organism("Homo Sapiens (human)").taxon
    'NCBITaxon:9606'
    """
    spellings = _organism_spellings()
    taxon = check_taxon(text)
    outside = re.sub(r"\([^()]*\)", " ", text)
    for candidate in (taxon.value, text, outside):
        found = spellings.get(slug(candidate)) if candidate else None
        if found:
            return found
    return None


@remembered
def find_method(text: str) -> MethodTerm | None:
    """Return the imaging method that a name or an FBbi id stands for, if it is a common one.

    Examples
    --------
    >>> find_method("Light sheet").fbbi
    'FBbi:00000369'
    """
    spellings = _method_spellings()
    outside = re.sub(r"\([^()]*\)", " ", text)
    as_microscopy = re.sub(r"\bimaging\b", "microscopy", outside, flags=re.IGNORECASE)
    for candidate in (check_fbbi(text).value, text, outside, as_microscopy):
        found = spellings.get(slug(candidate)) if candidate else None
        if found:
            return found
    return None
