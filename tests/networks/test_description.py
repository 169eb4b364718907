"""A model viewed before it runs: its summary, its graph, and the tables of a paper, all read from the model."""

import functools
import inspect
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import equinox as eqx
import jax
import numpy as np
import pytest
from matplotlib.mathtext import MathTextParser

import jaxsnn as snn
from jaxsnn.networks.description import facts, latex
from jaxsnn.networks.description.picture import drawn
from jaxsnn.networks.description.places import places_of
from jaxsnn.networks.description.rows import dynamics
from jaxsnn.networks.description.summary import size
from jaxsnn.networks.description.table import Table, as_html, as_markdown
from tests.laws.registry import DRIVES, NEURONS, PORTS, RELEASES
from tests.networks.test_text import NET, RULE
from tests.public import public

PARSER = MathTextParser("path")
DRIVE = snn.Poisson(10.0, 0.5, into="in") + snn.StepCurrent(1.0, into="E[0:3]")
RECORD = {"raster": snn.Raster("E[0:4]"), "v": snn.Trace("E.v", every=1.0)}


@functools.cache
def network():
    """A small network with something of everything, of which numbers are known."""
    pair = lambda **given: {"in": snn.Delta(), **given}
    populations = {
        "in": snn.SpikeSource(4),
        "E": snn.Population(snn.LIF(tau=[10.0, 20.0, 15.0]), 3, ports=pair(exc=snn.NMDA()), init={"v": -1.0}),
        "out": snn.Population(snn.LI(), 2, ports={"in": snn.Exponential(5.0)}),
    }
    to = lambda *ends, **given: snn.Connection(*ends, **{"delay": 1.5, **given})
    projections = {
        "a": to("in", "E.exc", snn.AllToAll(), weight=snn.Uniform(0.0, 1.0), rule=RULE, delay=0.1),
        "b": to("E", "E.in", snn.FromArrays([0, 2], [1, 1]), weight=[-0.5, -2.0], delay=[0.3, 0.7]),
        "c": to("E[0:2]", "out", snn.AllToAll(), weight=0.25, release=snn.TsodyksMarkram()),
    }
    return snn.network(dt=0.1, key=0, populations=populations, projections=projections)


def test_what_is_printed_is_what_there_is():
    net = network()
    lines = str(net).splitlines()
    assert lines[0].startswith(
        "Network of 9 neurons in 3 populations and 18 synapses in 3 projections; steps of 0.1 ms"
    )
    rows = {line.split()[0]: line for line in lines if line.strip()}
    w = np.asarray(net["a"].weight)
    expected = f"{w.min():.4g} .. {w.max():.4g} (conductance), mean {w.mean(dtype=float):.4g}"
    assert "12" in rows["a"].split() and expected in rows["a"] and "PairSTDP(" in rows["a"] and "Bound(" in rows["a"]
    assert "-2 .. -0.5 mV, mean -1.25" in rows["b"] and "0.3 .. 0.7 ms, mean 0.5" in rows["b"]
    assert "E to E.in" in rows["b"] and "0.25 (current)" in rows["c"] and "TsodyksMarkram(" in rows["c"]
    assert "AllToAll(), of E[0:2] to out" in rows["c"] and "LIF(tau=[10, 20, 15] ms)" in rows["E"]
    assert lines[-1] == "longest delay: 1.5 ms, 15 steps (c)"
    other = snn.set(net, "b.weight", np.float32([-0.5, -3.0]))  # control: numbers are those that there are now
    assert "-3 .. -0.5 mV" in str(other) and "-3 .. -0.5 mV" not in str(net)


def test_a_long_model_does_not_push_the_rest_out_of_sight():
    """It continues below, whole; short rows are a line each."""
    numbers = dict(c=201.0, g_l=11.0, e_l=-71.0, v_t=-51.0, delta_t=2.1, a=3.0, tau_w=31.0, b=61.0, v_reset=-59.0)
    cells = {"long": snn.Population(snn.AdEx(**numbers), 5), "short": snn.Population(snn.LIF(), 5)}
    lines = str(snn.network(dt=0.1, populations=cells, key=0).summary()).split("\n")
    table = lines[lines.index("") + 1 :]
    assert max(map(len, table)) < 110 and len(table[: table.index("")]) > 3
    assert len({line.index("in: ") for line in table if "in: " in line}) == 1  # ports stand in one column
    written = "".join(table).replace(" ", "")
    assert all(f"{name}={value:g}" in written for name, value in numbers.items())


def test_drives_and_probes_are_listed_where_given():
    net = network()
    text = str(net.summary(DRIVE, RECORD))
    assert 'StepCurrent(amplitude=1, into="E[0:3]"' in text and 'Trace(path="E.v", every=1.0)' in text
    assert 'Raster(population="E", index=[0:4])' in text and "Poisson" not in str(net.summary())


def test_memory_is_that_of_the_arrays():
    net = network()
    held = sum(np.asarray(x).nbytes for x in jax.tree.leaves(net) if hasattr(x, "dtype"))
    assert f"{held / 1e3:.3g} kB of parameters" in str(net) if held >= 1e3 else f"{held} bytes" in str(net)
    assert size(np.zeros(2_500_000, np.float32)) == "10 MB" and size({}) == "0 bytes"


def test_inside_a_program_numbers_are_traced():
    seen = []

    @jax.jit
    def look(w):
        net = snn.network(
            dt=0.1,
            key=0,
            populations={"E": snn.Population(snn.LIF(tau=w), 3)},
            projections={"EE": snn.Connection("E", "E", snn.FixedProb(0.5), weight=w, delay=1.0)},
        )
        seen.append((str(net), snn.describe(net).markdown, net.graph().svg))
        return w

    look(np.float32(2.0))
    assert "traced" in seen[0][0] and "traced" in seen[0][1] and "LIF(tau=traced float32[] ms)" in seen[0][0]


def test_how_it_was_written_compiles_nothing():
    """Networks that differ in the words for their origin alone are one structure."""
    two = [
        snn.network(
            dt=0.1,
            key=0,
            populations={"E": snn.Population(snn.LIF(), 3)},
            projections={"EE": snn.Connection("E", "E", topology, weight=weight, delay=1.0)},
        )
        for topology, weight in (
            (snn.AllToAll(), snn.Uniform(0.0, 1.0)),
            (snn.AllToAll(autapses=True), snn.Normal(0.5, 0.1)),
        )
    ]
    assert two[0]["EE"].origin.weight != two[1]["EE"].origin.weight
    assert jax.tree.structure(two[0]) == jax.tree.structure(two[1])


def test_a_file_keeps_how_it_was_written(tmp_path):
    net = network()
    snn.save(net, tmp_path / "net.npz")
    kept = snn.load(tmp_path / "net.npz")
    assert str(kept) == str(net) and snn.describe(kept).markdown == snn.describe(net).markdown


# --- the graph --------------------------------------------------------------------------------------------------------


def parts(svg, kind):
    return [node for node in ElementTree.fromstring(svg).iter() if node.get("class") == kind]


def test_the_graph_has_a_box_a_population_and_an_arrow_a_projection():
    net = network()
    picture = drawn(net, DRIVE)
    assert len(parts(picture.svg, "p")) == 3 and len(parts(picture.svg, "d")) == 2
    assert len(parts(picture.svg, "e")) == 3 + 2
    colours = [node.get("stroke") for node in parts(drawn(net).svg, "e")]
    assert colours == ["#2b6cb0", "#c53030", "#2b6cb0"]  # a excites, b inhibits, c excites
    flipped = snn.set(net, "c.weight", -0.25)  # control
    assert parts(drawn(flipped).svg, "e")[2].get("stroke") == "#c53030"


def test_senders_stand_left_and_no_boxes_overlap():
    places = places_of([*"abcdef"], [("a", "b"), ("b", "c"), ("c", "b"), ("c", "d"), ("e", "d"), ("c", "f")])
    assert places["a"][0] < places["b"][0] == places["c"][0] < places["d"][0] and places["e"][0] == places["a"][0]
    at = np.array([*places.values()])
    apart = np.abs(at[:, None] - at[None]) >= [132.0, 46.0]
    assert np.all(apart.any(-1) | np.eye(len(at), dtype=bool))


def test_a_picture_is_written_as_svg_only(tmp_path):
    network().graph().save(tmp_path / "net.svg")
    assert ElementTree.parse(tmp_path / "net.svg").getroot().tag.endswith("svg")
    with pytest.raises(ValueError, match=r"ends in \.svg"):
        network().graph().save(tmp_path / "net.png")


class Balanced(HTMLParser):
    """Tags that are opened and closed."""

    def __init__(self):
        super().__init__()
        self.open, self.tags = [], []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_names_are_text_in_every_form():
    """Names are the user's, and nothing in them is a command of HTML, LaTeX or Markdown."""
    name = r"<b>50%_&#$|~^\{x}"
    net = snn.network(dt=0.1, key=0, populations={name: snn.Population(snn.LIF(), 3)})
    seen = Balanced()
    seen.feed(net._repr_html_())
    assert seen.open == [] and "b" not in seen.tags[:1] and "<b>50" not in net._repr_html_()
    ElementTree.fromstring(net.graph().svg)
    assert r"\textless{}b\textgreater{}50\%\_\&\#\$" in snn.describe(net).latex
    assert r"\<b>50%\_&#$\|" in snn.describe(net).markdown
    table = Table("t", ("a", "b"), ((name, "`v < 1`"),))
    assert all(line.count(" | ") == 1 for line in as_markdown(table).splitlines()[2:3]) and "<b>" not in as_html(table)


# --- the tables of a paper --------------------------------------------------------------------------------------------


def test_the_tables_are_those_of_nordlie_and_others():
    found = snn.describe(network(), DRIVE, RECORD, title="A & B")
    titles = [table.title for table in found.tables]
    assert titles[:5] == ["Model summary", "Populations", "Connectivity", "Neuron models", "Synapse models"]
    assert {"Plasticity", "Input", "Measurements", "Parameters"} < {*titles}
    rows = {table.title: table.rows for table in found.tables}
    connectivity = {row[0]: row for row in rows["Connectivity"]}
    assert connectivity["a"][3].startswith("Uniform(lo=0, hi=1); now ") and connectivity["c"][3] == "0.25 (current)"
    assert "AllToAll(): Every neuron to every neuron; 12 synapses" in connectivity["a"][2]
    parameters = {(row[0], row[1]): row for row in rows["Parameters"]}
    assert parameters["E", "`tau`"][2:] == ("[10, 20, 15] ms", "membrane time constant")
    assert ("Poisson", "`rate`") in parameters and r"\section*{A \& B}" in found.latex
    assert any("Tsodyks and Markram" in row[1] for row in rows["References"])
    assert snn.describe(network()).tables[0].rows[-1][1] == "none given"  # control
    named = snn.describe(network(), record=["spikes", "E.v"])
    assert named.tables[0].rows[-1][1] == "spikes, E.v" and '"spikes"' in str(network().summary(record="spikes"))


def test_it_is_saved_by_its_ending(tmp_path):
    found = snn.describe(NET)
    found.save(tmp_path / "model.md")
    found.save(tmp_path / "model.tex")
    assert (tmp_path / "model.tex").read_text().startswith(r"\documentclass")
    assert (tmp_path / "model.md").read_text() == str(found)
    with pytest.raises(ValueError, match=r"\.md or \.tex"):
        found.save(tmp_path / "model.pdf")
    with pytest.raises(ValueError, match="expected a network"):
        snn.describe(snn.LIF())


def kinds(base):
    """Every public class of a kind that is no base itself."""
    return {
        name: kind
        for name, kind in public().items()
        if inspect.isclass(kind) and issubclass(kind, base) and "Abstract" not in name
    }


RULES = kinds(snn.plasticity.AbstractRule) | kinds(snn.plasticity.AbstractModifier)
TEMPLATES = ("EquationRule", "EquationNeuron", "EquationRelease")  # their classes are made from a text
MADE = {f"neuron {name}": make(1.0) for name, make in NEURONS.items()}
MADE |= {f"port {name}": make(1.0) for name, make in PORTS.items()}
MADE |= {f"release {name}": make(1.0) for name, make in RELEASES.items()}
MADE = dict(reversed(MADE.items()))
DESCRIBED = {kind: name for name, kind in ((name, type(part)) for name, part in MADE.items())}
DESCRIBED = {name: kind for kind, name in DESCRIBED.items()}  # a kind of parts once, whatever its choices are
DESCRIBED |= {f"rule {name}": kind for name, kind in RULES.items() if not name.endswith(TEMPLATES)}
SENTENCES = {f"drive {name}": type(make(1.0)) for name, make in DRIVES.items() if name != "Sum"}
SENTENCES |= (
    kinds(snn.connectivity.AbstractTopology) | kinds(snn.probes.AbstractProbe) | kinds(snn.drives.AbstractDrive)
)


def math_of(text):
    """Parts of LaTeX that are mathematics, and what is left."""
    return re.findall(r"(?<!\\)\$(.+?)(?<!\\)\$", text), re.sub(r"(?<!\\)\$(.+?)(?<!\\)\$", "", text)


@functools.cache
def is_mathematics(formula):
    """Whether another program, Matplotlib, reads it."""
    try:
        PARSER.parse(f"${formula}$")
    except ValueError:
        return False
    return True


def wrong_in(text):
    """What LaTeX would not take: mathematics that cannot be parsed, braces left open, letters that are commands."""
    formulas, rest = math_of(text)
    if wrong := [formula for formula in formulas if not is_mathematics(formula)]:
        return wrong[0]
    if rest.replace(r"\{", "").count("{") != rest.replace(r"\}", "").count("}"):
        return "braces"
    bare = re.search(r"(?<!\\)[#$%&_^~<>|]", rest)
    return None if bare is None else f"{bare[0]} in {rest}"


@pytest.mark.parametrize("name", DESCRIBED)
def test_every_part_of_a_model_says_its_equations(name):
    part = MADE.get(name, None)
    says = facts.dynamics(DESCRIBED[name]) if part is None else dynamics(part)
    exact = name.startswith("neuron Parrot")  # it has no equation
    assert facts.formulas(says) or exact, says
    assert wrong_in(latex.cell(says)) is None
    for parameter in () if part is None else facts.parameters(part):
        assert (
            parameter.value and wrong_in(latex.cell(f"`{parameter.name}` {parameter.unit} {parameter.meaning}")) is None
        )


@pytest.mark.parametrize("name", SENTENCES)
def test_every_other_part_has_a_sentence(name):
    says = facts.sentence(SENTENCES[name])
    assert 10 < len(says) < 300 and wrong_in(latex.cell(says)) is None


@pytest.mark.parametrize("text", ["`a = \\frac{1}`", "50% $"])
def test_what_latex_would_not_take_is_seen(text):
    """Negative control."""
    assert wrong_in(text.replace("`", "$")) is not None


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("tau dv/dt = -(v - v_r) + R I", r"\tau \,\frac{\mathrm{d}v}{\mathrm{d}t} = -(v - v_{\mathrm{r}}) + R\,I"),
        ("g <- g + w", r"g \leftarrow g + w"),
        ("m^3 h", r"m^{3}\,h"),
        ("x = 2.5e-3", r"x = 2.5\cdot 10^{-3}"),
    ],
)  # fmt: skip
def test_formulas_as_mathematics(code, expected):
    assert re.sub(r"\s+", "", latex.formula(code)) == re.sub(r"\s+", "", expected)


def test_equations_are_described_by_their_text():
    kind = snn.equations.neuron(
        "dv/dt = (v0 - v)/tau : volt (unless refractory)  # a leak\ntau : second\nv0 : volt",
        threshold="v > 20*mV", reset="v = 0*mV", refractory="2*ms", tau="10*ms", v0="30*mV",
    )  # fmt: skip
    net = snn.network(dt=0.1, key=0, populations={"E": snn.Population(kind(), 3)})
    row = next(table for table in snn.describe(net).tables if table.title == "Neuron models").rows[0]
    assert "`dv/dt = (v0 - v)/tau : volt (unless refractory)`" in row[2] and "`threshold: v > 20*mV`" in row[2]
    assert "`refractory: 2*ms`" in row[2] and "leak" not in row[2]


def test_a_gradient_is_shown_by_what_it_has():
    """It is a network whose other numbers are None, of which there is no summary."""
    net = snn.network(dt=0.1, key=0, populations={"E": snn.Population(snn.LIF(), 3)})
    other = eqx.tree_at(lambda n: n.populations["E"].neuron.v_th, net, None)
    linked = snn.network(
        dt=0.1,
        key=0,
        populations=net.populations,
        projections={"EE": snn.Connection("E", "E", snn.AllToAll(), weight=0.5, delay=1.0)},
    )
    gradient = eqx.filter(linked, jax.tree.map(eqx.is_inexact_array, linked))
    for part in (other, gradient):
        assert str(part) == repr(part) and part._repr_html_() is None
    assert "None" in repr(other)
    for whole in (net, linked):
        assert str(whole) == str(whole.summary()) and "<" in whole._repr_html_()
