import contextlib

import numpy as np
from threadpoolctl import threadpool_info

from micrographia.representation.probes import leave_group_out, predict
from micrographia.representation.probes.blas import one_blas_thread


def threads():
    np.ones((2, 2)) @ np.ones((2, 2))
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_one_thread_meanwhile_and_as_before_afterwards():
    before = threads()
    with one_blas_thread():
        assert threads() == {1}
        with one_blas_thread():
            assert threads() == {1}
        assert threads() == {1}
    assert threads() == before


def test_an_error_lifts_the_limit():
    before = threads()
    with contextlib.suppress(KeyError), one_blas_thread():
        raise KeyError
    assert threads() == before


def test_probes_run_with_one():
    seen = []

    class Spy:
        def fit(self, _values, _meta):
            seen.append(threads())
            return self

        def transform(self, values, _meta):
            return values

    before = threads()
    groups = np.arange(40) % 4
    predict(np.eye(40), groups % 2, leave_group_out(groups), preprocess=Spy(), workers=2)
    assert all(found == {1} for found in seen)
    assert seen
    assert threads() == before
