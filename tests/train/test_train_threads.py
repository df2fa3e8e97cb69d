"""Small steps keep BLAS to one thread; afterwards all is as it was."""

from __future__ import annotations

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from chainrule.train import Network, fit
from chainrule.train.threads import SMALL, threads_for


def blas_threads() -> list[int]:
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


@pytest.fixture(autouse=True)
def two_threads():
    with threadpool_limits(limits=2, user_api="blas"):
        if set(blas_threads()) != {2}:
            pytest.skip("this BLAS does not let its threads be counted")
        yield


def test_a_small_network_trains_on_one_thread():
    seen: list[int] = []
    fit(
        Network([2, 1]),
        np.ones((4, 2)),
        np.ones(4),
        epochs=1,
        progress=False,
        callback=lambda report: seen.extend(blas_threads()),
    )
    assert set(seen) == {1}
    assert set(blas_threads()) == {2}


def test_large_steps_keep_their_threads():
    with threads_for(SMALL):
        assert set(blas_threads()) == {2}


def test_the_threads_come_back_after_an_error():
    with pytest.raises(LookupError), threads_for(0):
        raise LookupError
    assert set(blas_threads()) == {2}
