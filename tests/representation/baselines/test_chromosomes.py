import numpy as np
import pandas as pd
import pytest

from micrographia.errors import ProfileError
from micrographia.representation.baselines import chromosome_arms, same_arm

GENES = pd.DataFrame(
    {
        "gene": ["TP53", "BRCA1", "NF1", "MYC", "EGFR", "MET"],
        "chromosome": ["17", "chr17", 17, "8", 7, "7"],
        "arm": ["p", "q", "17q", "q", "p", "q"],
        "position": [7.7e6, 43.0e6, 31.1e6, 127.7e6, 55.0e6, 116.7e6],
    }
)


def cosine(a, b):
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


def test_genes_of_one_arm_are_alike_and_the_nearer_the_more():
    table = pd.concat(
        [GENES, pd.DataFrame({"gene": ["X"], "chromosome": ["17"], "arm": ["q"], "position": [37e6]})]
    )
    found = chromosome_arms(["BRCA1", "NF1", "X", "MYC", "TP53"], table)
    brca1, nf1, x, myc, tp53 = found.values
    assert cosine(brca1, nf1) == pytest.approx(0)  # the two ends of what is known of 17q
    share = (37 - 31.1) / (43 - 31.1)
    assert cosine(nf1, x) == pytest.approx(np.cos(np.pi / 2 * share))
    assert cosine(brca1, myc) == cosine(brca1, tp53) == 0
    np.testing.assert_allclose(np.linalg.norm(found.values, axis=1), 1)
    assert found.source["kind"] == "layout"


def test_without_positions_an_arm_is_one_vector():
    found = chromosome_arms(["BRCA1", "NF1", "MYC"], GENES.drop(columns="position"))
    assert found.names == ("arm 17p", "arm 17q", "arm 7p", "arm 7q", "arm 8q")
    assert found.values.sum(axis=1).tolist() == [1, 1, 1]
    assert same_arm(found, [[0, 1], [0, 2]]).tolist() == [1, 0]


def test_unknown_genes_are_missing_with_a_reason():
    found = chromosome_arms(["MYC", "NOPE", None, "EGFR", "MET"], GENES)
    assert np.isnan(found.values).all(axis=1).tolist() == [False, True, True, False, False]
    assert [entry["rows"] for entry in found.source["undefined"]] == [1, 1]
    pairs = same_arm(found, [[0, 1], [3, 4], [0, 0]])
    assert np.isnan(pairs[0])
    assert pairs[1:].tolist() == [0, 1]


def test_tables_that_contradict_themselves_or_do_not_fit_are_told():
    twice = pd.concat([GENES, GENES.assign(arm="p")])
    with pytest.raises(ProfileError, match="two places"):
        chromosome_arms(["MYC"], twice)
    with pytest.raises(ProfileError, match="no column 'arm'"):
        chromosome_arms(["MYC"], GENES.drop(columns="arm"))
    with pytest.raises(ProfileError, match="none of the genes"):
        chromosome_arms(["a", "b"], GENES)
    assert chromosome_arms(["MYC"], pd.concat([GENES, GENES])).n == 1
