"""Small steps keep BLAS to one thread; afterwards all is as it was."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import OpenBLASController, threadpool_info, threadpool_limits

from chainrule.train import Network, fit
from chainrule.train.threads import SMALL, threads_for


def blas_threads() -> list[int]:
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


@pytest.fixture(autouse=True)
def two_threads():
    with threadpool_limits(limits=2, user_api="blas"):
        clear = getattr(OpenBLASController, "clear_controlling_thread", None)
        if clear is not None:  # newer versions let the first thread alone set it
            clear()
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


def within(entered: threading.Event, leave: threading.Event) -> None:
    with threads_for(0):
        entered.set()
        leave.wait(60)


@pytest.mark.parametrize("first_out", [0, 1])
def test_the_threads_come_back_in_whatever_order_several_are_done(first_out):
    entered, leave = ([threading.Event(), threading.Event()] for _ in range(2))
    with ThreadPoolExecutor(2) as pool:
        done = []
        for k in range(2):
            done.append(pool.submit(within, entered[k], leave[k]))
            entered[k].wait(60)
        assert set(blas_threads()) == {1}
        for k in (first_out, 1 - first_out):
            leave[k].set()
            done[k].result(60)
    assert set(blas_threads()) == {2}
    with threads_for(0), threads_for(0):
        assert set(blas_threads()) == {1}
    assert set(blas_threads()) == {2}


def test_the_threads_come_back_after_an_error():
    with pytest.raises(LookupError), threads_for(0):
        raise LookupError
    assert set(blas_threads()) == {2}
