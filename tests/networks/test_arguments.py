"""Every argument of a network and its parts: of the wrong type or range, NaN or in the wrong place: one sentence."""

import numpy as np
import pytest

import jaxsnn as snn

NAN, INF = float("nan"), float("inf")


def cells(n=4, **options):
    return snn.Population(snn.LIF(), n, **options)


def net(**options):
    return snn.network(**{"dt": 1.0, "key": 0, "populations": {"E": cells(), "I": cells(3)}} | options)


def link(pre="E", post="E", topology=None, **options):
    topology = snn.AllToAll() if topology is None else topology
    return net(projections={"p": snn.Connection(pre, post, topology, **{"delay": 1.0} | options)})


def huge(topology, via=None):
    big = {"E": cells(10**6), "I": cells(10**6)}
    return net(
        populations=big, projections={"p": snn.Connection("E", "I", topology, via=via or snn.Sparse(), delay=1.0)}
    )


BAD = {
    **{f"dt {dt!r}": lambda dt=dt: net(dt=dt) for dt in ("1", NAN, INF, True, 0, -0.1, None)},
    "populations list": lambda: net(populations=[cells()]),
    "populations empty": lambda: net(populations={}),
    "populations neuron": lambda: net(populations={"E": snn.LIF()}),
    **{f"name {name!r}": lambda name=name: net(populations={name: cells()}) for name in (1, "", " ", "a.b", "a[0]")},
    "projections list": lambda: net(projections=[snn.Connection("E", "E", snn.AllToAll())]),
    "projections number": lambda: net(projections={"p": 3}),
    "modules list": lambda: net(modules=[1]),
    "order text": lambda: net(order="nest"),
    "order class": lambda: net(order=snn.NestOrder),
    "key text": lambda: net(key="a"),
    **{f"n {n!r}": lambda n=n: cells(n) for n in ("4", 4.0, True, 0, -1, 2**40, None)},
    **{f"source {n!r}": lambda n=n: snn.SpikeSource(n) for n in (-1, True, 2.5)},
    "ports port": lambda: cells(ports=snn.Delta()),
    "ports list": lambda: cells(ports=[snn.Delta()]),
    "ports number": lambda: cells(ports={"a": 1}),
    "ports class": lambda: cells(ports={"a": snn.Delta}),
    "init list": lambda: cells(init=[1]),
    "init name": lambda: cells(init={"w": 1}),
    "init text": lambda: cells(init={"v": "x"}),
    "init nan": lambda: cells(init={"v": NAN}),
    "neuron class": lambda: snn.Population(snn.LIF, 3),
    "link pre": lambda: link(0),
    "link unknown": lambda: link("X"),
    "link port": lambda: link(post="E.q"),
    "topology class": lambda: link(topology=snn.AllToAll),
    "topology text": lambda: link(topology="all"),
    "via text": lambda: link(via="dense"),
    "via class": lambda: link(via=snn.Dense),
    **{f"weight {w!r}": lambda w=w: link(weight=w) for w in ("1", NAN, INF, None, 1j)},
    "weight shape": lambda: link(weight=np.ones(3)),
    "weight nan": lambda: link(weight=np.full((4, 4), NAN)),
    **{f"delay {d!r}": lambda d=d: link(delay=d) for d in ("1", NAN, -1.0, True, 0.3, 1e10, {})},
    **{f"max_delay {d!r}": lambda d=d: link(max_delay=d) for d in ("3", NAN, -3.0, True, INF, [1.0, 2.0])},
    "max_delay small": lambda: link(delay=5.0, max_delay=3.0),
    "release class": lambda: link(release=snn.TsodyksMarkram),
    "rule class": lambda: link(rule=snn.PairSTDP),
    "axonal": lambda: link(axonal=1.0),
    "axonal text": lambda: link(rule=snn.PairSTDP(0.1, 0.1), axonal="1"),
    **{f"p {p!r}": lambda p=p: snn.FixedProb(p) for p in (1.5, -0.1, "0.1", NAN, [0.1, 0.2])},
    **{f"p most {most!r}": lambda most=most: snn.FixedProb(0.1, most=most) for most in ("1", 2.0, True, 0.05)},
    "p autapses": lambda: snn.FixedProb(0.1, autapses="no"),
    **{f"k {k!r}": lambda k=k: snn.FixedInDegree(k) for k in (2.5, -1, "3", True, 2**40)},
    "k most": lambda: snn.FixedInDegree(3, most=2.5),
    "k multapses": lambda: snn.FixedInDegree(3, multapses="no"),
    "k many": lambda: link(topology=snn.FixedInDegree(9, multapses=False)),
    "k out": lambda: snn.FixedOutDegree(-1),
    "total many": lambda: link(topology=snn.FixedTotal(99, multapses=False)),
    "total negative": lambda: snn.FixedTotal(-3),
    "arrays outside": lambda: link(topology=snn.FromArrays([9], [0])),
    "arrays negative": lambda: link(topology=snn.FromArrays([-1], [0])),
    "arrays float": lambda: snn.FromArrays([0.5], [0]),
    "arrays text": lambda: snn.FromArrays(["a"], [0]),
    "arrays bool": lambda: snn.FromArrays([True], [False]),
    "arrays lengths": lambda: snn.FromArrays([1, 2], [0]),
    "one to one": lambda: link(post="I", topology=snn.OneToOne()),
    "autapses": lambda: snn.AllToAll("no"),
    "layer shape": lambda: snn.Layer(lambda x, key: x, shape="a"),
    "layer size": lambda: snn.Layer(lambda x, key: x, shape=(2, 0)),
    "layer module": lambda: snn.Layer(3),
    "all pairs of millions": lambda: huge(snn.AllToAll()),
    "a matrix of millions": lambda: huge(snn.FixedInDegree(1), snn.Dense()),
    "billions of edges": lambda: huge(snn.FixedInDegree(5000)),
}


@pytest.mark.parametrize("case", BAD)
def test_nonsense_is_one_sentence(case):
    with pytest.raises(ValueError) as caught:
        BAD[case]()
    message = str(caught.value)
    assert "\n" not in message and len(message) < 400
    assert "<function" not in message and "f32[" not in message


def test_what_is_right_is_taken():
    """Control: NumPy's numbers are numbers."""
    assert net(dt=np.float32(0.5)).dt == 0.5
    for n in (np.int64(7), np.uint8(7)):
        made = cells(n)
        assert made.n == 7 and type(made.n) is int
        assert snn.SpikeSource(n).n == 7
    assert link(topology=snn.FixedInDegree(np.int64(2)), delay=np.float32(2.0), max_delay=3)["p"].max_delay == 3
    assert link(delay=[1.0] * 16)["p"].delay.shape == (16,)
    assert link(topology=snn.FixedProb(np.float64(0.5)), weight=np.float32(2.0))["p"].weight == 2.0


@pytest.mark.parametrize("of", [{"weight": True}, {"weight": np.ones(4, bool)}])
def test_a_weight_is_no_flag(of):
    link = snn.Connection("E", "E", snn.AllToAll(), delay=1.0, **of)
    with pytest.raises(ValueError, match="for a number; expected a real number"):
        snn.network(dt=1.0, key=0, populations={"E": snn.Population(snn.LIF(), 2)}, projections={"EE": link})
