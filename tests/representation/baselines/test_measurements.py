import numpy as np
import pandas as pd
import pytest

from micrographia.errors import ProfileError
from micrographia.representation.baselines import (
    density_of_profiles,
    intensity_of_profiles,
    without_density,
    without_intensity,
)
from micrographia.representation.profiles import Profiles

NAMES = (
    "Cells_Intensity_MeanIntensity_DNA",
    "Nuclei_Intensity_MADIntensity_ER",
    "Cells_Neighbors_NumberOfNeighbors_Adjacent",
    "Cells_Neighbors_PercentTouching_10",
    "Nuclei_Neighbors_AngleBetweenNeighbors_2",
    "Image_Count_Nuclei",
    "Cells_Number_Object_Number",
    "Cells_AreaShape_Area",
    "Nuclei_Texture_Contrast_DNA_3_00",
    "Cytoplasm_RadialDistribution_MeanFrac_AGP_1of4",
    "Cells_Correlation_Correlation_DNA_ER",
)


def profiles(names=NAMES):
    return Profiles(
        np.arange(2.0 * len(names)).reshape(2, -1), pd.DataFrame({"well": ["A01", "A02"]}), names, "cp"
    )


def test_intensity_is_the_category_of_that_name():
    found = intensity_of_profiles(profiles())
    assert found.names == NAMES[:2]
    assert found.source["kind"] == "baseline"
    assert found.values.tolist() == [[0, 1], [11, 12]]
    rest = without_intensity(profiles())
    assert rest.names == NAMES[2:]
    assert rest.source["steps"] == ["without intensity: 9 of 11 features"]


def test_density_is_counts_neighbours_and_running_numbers():
    assert density_of_profiles(profiles()).names == (*NAMES[2:4], *NAMES[5:7])
    assert density_of_profiles(profiles()).source["kind"] == "density"
    assert set(without_density(profiles()).names) == set(NAMES) - {*NAMES[2:4], *NAMES[5:7]}
    for name in (
        "Count_Cells",
        "Nuclei_Children_Foci_Count",
        "Image_AreaOccupied_AreaOccupied_Cells",
        "Cell_Count",
    ):
        assert density_of_profiles(profiles((name, "Cells_AreaShape_Area"))).names == (name,)
    for name in ("Cells_Texture_Contrast_Count", "Countess_x", "Accounting"):
        with pytest.raises(ProfileError):
            density_of_profiles(profiles((name,)))


def test_what_is_left_of_nothing_is_an_error():
    with pytest.raises(ProfileError, match="nothing but intensity"):
        without_intensity(profiles(NAMES[:2]))
    with pytest.raises(ProfileError, match="no intensity feature"):
        intensity_of_profiles(profiles(("embedding_0", "embedding_1")))


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("path", "intensity", "density"),
    [
        ("lincs_SQ00015054_profiles/SQ00015054_normalized_feature_select.csv.gz", 51, 0),
        ("bbbc021_profiles/BBBC021_feature_selected_mad_robustize.csv", 14, 3),
    ],
)
def test_real_profiles(data, path, intensity, density):
    header = pd.read_csv(data / path, nrows=0).columns
    names = tuple(name for name in header if name.split("_")[0] in ("Cells", "Cytoplasm", "Nuclei"))
    given = profiles(names)
    assert intensity_of_profiles(given).d == intensity
    assert without_intensity(given).d == given.d - intensity
    if density:
        assert density_of_profiles(given).d == density
    else:
        with pytest.raises(ProfileError, match="no density feature"):
            density_of_profiles(given)
