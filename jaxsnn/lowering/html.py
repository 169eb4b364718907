"""A report as one HTML file: pictures inside it, tables of everything else, nothing loaded from elsewhere."""

from __future__ import annotations

import html
import io
import math
from typing import Any

from .passes.losses import SAMPLE

_NO_BOUND = 64  # bits, as which a register is drawn that has no bound
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2rem } svg { max-width: 100%; height: auto }
table { border-collapse: collapse; margin: .5rem 0; display: block; overflow-x: auto }
td, th { padding: .15rem .8rem .15rem 0; text-align: left }
th { border-bottom: 1px solid #999; font-weight: 600 } td { border-bottom: 1px solid #eee }
.note { color: #555; font-size: .9rem }
"""


def page(data: dict[str, Any]) -> str:
    """The file, from the data of a report."""
    parts = [
        f"<h1>{escaped(data['target'])}: {_headline(data)}</h1>",
        f"<p class=note>{escaped(' → '.join(data['passes']))}</p>",
    ]
    if todo := data.get("advice"):
        parts += ["<h2>What to change</h2><ul>", *(f"<li>{escaped(line)}</li>" for line in todo), "</ul>"]
    parts.append(svg(figure(data)))
    if (chip := data.get("chip", {})).get("placement"):
        limits = _limits(chip)
        use = [
            (
                c["group"],
                f"{c['first']} … {c['first'] + c['cells'] - 1}",
                f"{c['chip']}.{c['core']}",
                *(c[key] for key in limits),
            )
            for c in chip["placement"]
        ]
        parts.append(table("Cores", ("group", "cells", "chip.core", *limits.values()), use[:64]))
        if len(use) > 64:
            parts.append(f"<p class=note>and {len(use) - 64} more</p>")
    rows = [
        (name, key, _number(value))
        for name, cell in data["cells"].items()
        for key, value in cell.items()
        if key not in ("registers", "described", SAMPLE)
    ]
    shown = ("from", "to", "synapses", "sign", "bits", "exponent", "longest delay", "weights clipped",
             "weights rounded", "weights rounded to 0", "weights, relative rms error",
             "weights that are 0")  # fmt: skip
    shown = [key for key in shown if any(key in link for link in data["links"].values())]
    links = [(name, *(_number(link.get(key, "")) for key in shown)) for name, link in data["links"].items()]
    parts.append(table("Projections", ("name", *shown), links))
    described = [(name, line) for name, part in (*data["cells"].items(), *data["links"].items())
                 for line in part.get("described", ())]  # fmt: skip
    if described:
        parts.append(table("What was written", ("name", ""), described))
    for name, link in data["links"].items():
        if "learning" in link:
            parts += _learned(name, link["learning"])
    if run := data.get("run"):
        rates = [(name, _number(hz)) for name, hz in run["rate Hz"].items()]
        parts.append(table(f"A run of {run['steps']} steps", ("group", "messages of a cell, Hz"), rates))
        parts += [f"<p>{escaped(line)}</p>" for line in run["problems"]]
    if found := data.get("agreement"):
        keys = list(next(iter(found.values()), {}))
        parts.append(
            table(
                "Spikes of program and model",
                ("group", *keys),
                [(name, *(_number(one[key]) for key in keys)) for name, one in found.items()],
            )
        )
    if energy := data.get("energy"):
        rows_ = [(key, _number(value)) for key, value in energy.items() if isinstance(value, (int, float))]
        parts.append(table("Energy and time: an estimate", ("", ""), rows_))
        parts += [
            f"<p class=note>{escaped(energy[key])}</p>"
            for key in ("source", "caveat", "static source")
            if key in energy
        ]
        if not energy.get("available"):
            parts.append(f"<p>Not available: {escaped(energy.get('why', 'no figures'))}</p>")
    parts.append(table("Cells", ("group", "", ""), rows))
    parts.append(f"<p class=note>Proofs of registers assume that {escaped(data['proofs assume'])}.</p>")
    return document(data["target"], parts)


def document(title: str, parts: list[str]) -> str:
    """A page of its own, also on a phone."""
    head = "<meta charset=utf-8><meta name=viewport content='width=device-width'>"
    head += f"<title>{escaped(title)}</title><style>{STYLE}</style>"
    return f"<!doctype html><html lang=en>{head}{''.join(parts)}</html>\n"


def figure(data: dict[str, Any]):
    """The use of cores and registers, the rounding of weights, rates, and energy."""
    from matplotlib.figure import Figure

    drawn = [draw for draw, needs in _PANELS if all(data.get(need) for need in needs)]
    if not any("weights, relative rms error" in link for link in data["links"].values()):
        drawn = [draw for draw in drawn if draw is not _weights]
    if not any("learning" in link for link in data["links"].values()):
        drawn = [draw for draw in drawn if draw is not _windows]
    if not data.get("chip", {}).get("placement"):
        drawn = [draw for draw in drawn if draw is not _cores]
    if not data.get("energy", {}).get("available"):
        drawn = [draw for draw in drawn if draw is not _energy]
    rows = max(1, math.ceil(len(drawn) / 2))
    made = Figure(figsize=(10.0, 3.2 * rows), layout="constrained")
    axes = made.subplots(rows, 2, squeeze=False).ravel()
    for ax, draw in zip(axes, drawn):
        draw(ax, data)
        ax.spines[["top", "right"]].set_visible(False)
    for ax in axes[len(drawn) :]:
        ax.set_axis_off()
    return made


def _limits(chip: dict[str, Any]) -> dict[str, str]:
    """The limits of a core, as keys of a report and in words."""
    return {key: key.replace("_", " ") for key in chip["room of a core"]}


def _cores(ax, data):
    """The use of the fullest core of every group, in percent."""
    room, limits = data["chip"]["room of a core"], _limits(data["chip"])
    groups = list(dict.fromkeys(core["group"] for core in data["chip"]["placement"]))
    width = 0.8 / len(limits)
    for k, (key, label) in enumerate(limits.items()):
        most = [max(c[key] for c in data["chip"]["placement"] if c["group"] == g) for g in groups]
        share = [100 * used / room[key] for used in most]
        ax.barh([i + k * width for i in range(len(groups))], share, width, label=label)
    ax.set_yticks([i + 1.5 * width for i in range(len(groups))], groups)
    ax.axvline(100, color="0.6", linewidth=0.8, linestyle="--")
    ax.set(title="fullest core", xlabel="% of what a core has", xlim=(0, 105))
    ax.invert_yaxis()
    ax.legend(frameon=False, fontsize="small", loc="lower right")


def _registers(ax, data):
    """The bits of every register by the interval proof."""
    names, bits, proved, kept = [], [], [], set()
    for name, cell in data["cells"].items():
        for register, ends in cell["registers"].items():
            kept.add(math.log2(max(map(abs, ends))))
            if f"{register} to" in cell:
                both = [cell[f"{register} {end}"] for end in ("from", "to")]
                largest = 2.0**_NO_BOUND if None in both else max(*map(abs, both), 1.0)
                names.append(f"{name} {register}")
                bits.append(math.log2(largest))
                proved.append(cell[f"{register} is proved"])
    ax.barh(names, bits, color=["C0" if ok else "C3" for ok in proved])
    for limit in sorted(kept):
        ax.axvline(limit, color="0.6", linewidth=0.8, linestyle="--")
    ax.set(xlabel="bits, at most (red: not proved; lines: what registers have)")
    ax.set_title("registers", pad=14)
    ax.tick_params(axis="y", labelsize="small" if len(names) < 14 else "xx-small")
    ax.invert_yaxis()


def _weights(ax, data):
    links = {name: link for name, link in data["links"].items() if "weights, relative rms error" in link}
    ax.barh(list(links), [100 * link["weights, relative rms error"] for link in links.values()], color="C1")
    for i, link in enumerate(links.values()):
        said = ", ".join(f"{key} {link[key]}" for key in ("bits", "exponent") if key in link)
        ax.text(0, i, f"  {said}", va="center", fontsize="small")
    ax.set(title="weights: relative rms error", xlabel="%")
    ax.invert_yaxis()


def _windows(ax, data):
    """The mean weight change of a pair of spikes: of the rule as a line, of the chip as dots."""
    learning = {name: link["learning"] for name, link in data["links"].items() if "learning" in link}
    for i, (name, one) in enumerate(list(learning.items())[:6]):
        window, unit = one["window"], max(map(abs, one["window"]["asked"])) or 1.0
        ax.plot(window["ms"], [x / unit for x in window["asked"]], color=f"C{i}", linewidth=1.0, label=f"{name}, asked")
        ax.plot(
            window["ms"], [x / unit for x in window["got"]], ".", color=f"C{i}", markersize=4.0, label=f"{name}, got"
        )
    ax.axhline(0, color="0.6", linewidth=0.8)
    ax.axvline(0, color="0.6", linewidth=0.8)
    ax.set(title="change by a pair of spikes", xlabel="receiver's after sender's (ms)", ylabel="of the largest asked")
    ax.legend(frameon=False, fontsize="small")


def _learned(name: str, learning: dict[str, Any]) -> list[str]:
    """A rule: its parameters, how it differs from the model's, and what was learned."""
    rows = [(key, _number(x), _number(learning["got"][key])) for key, x in learning["asked"].items()]
    notes = [f"window error {learning['window error']:.2g} of the largest change", *learning["notes"]]
    found = [(key, _number(value)) for key, value in learning.get("learned", {}).items()]
    return [
        table(f"Learning of {name}", ("", "asked", "got"), rows),
        f"<p>{escaped(learning['rule'])}</p><ul>",
        *(f"<li>{escaped(note)}</li>" for note in notes),
        "</ul>",
        *([table(f"Learned weights of {name}", ("", ""), found)] if found else []),
    ]


def _rates(ax, data):
    found = data["agreement"]
    at = range(len(found))
    ax.bar([i - 0.2 for i in at], [one["rate of the model Hz"] for one in found.values()], 0.4, label="model")
    ax.bar([i + 0.2 for i in at], [one["rate Hz"] for one in found.values()], 0.4, label="program")
    ax.set_xticks(list(at), [f"{name}\n{100 * one['coincidence']:.1f} % coincide" for name, one in found.items()])
    ax.set(title="spikes", ylabel="Hz")
    ax.margins(y=0.3)  # room for the legend
    ax.legend(frameon=False)


def _energy(ax, data):
    energy = data["energy"]
    parts = {**energy["nJ a step by event"], "static (chip)": energy["static nJ a step"]}
    ax.bar(list(parts), list(parts.values()), color=["C0"] * (len(parts) - 1) + ["0.7"])
    ax.set(title="energy of a step, estimate", ylabel="nJ", yscale="log")


_PANELS = ((_cores, ("chip",)), (_registers, ("cells",)), (_weights, ("links",)),
           (_windows, ("links",)), (_rates, ("agreement",)),
           (_energy, ("energy",)))  # fmt: skip


def svg(made: Any) -> str:
    """A figure of matplotlib as it stands in a page, the same text for the same figure."""
    import matplotlib

    text = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "jaxsnn"}):
        made.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()[text.getvalue().index("<svg") :]


def _headline(data: dict[str, Any]) -> str:
    if not (chip := data.get("chip")):
        return "not placed"
    used = f"{chip['cores']} core(s) on {chip['chips']} chip(s)"
    if limit := chip.get("binding limit"):
        used += f"; binding limit: {limit['limit']} of {limit['group']!r}, {limit['used']} of {limit['room']}"
    return escaped(used)


def table(title: str, head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    """A table with its title."""
    row = lambda cells, tag: "<tr>" + "".join(f"<{tag}>{escaped(cell)}</{tag}>" for cell in cells) + "</tr>"
    return f"<h2>{escaped(title)}</h2><table>{row(head, 'th')}{''.join(row(r, 'td') for r in rows)}</table>"


def _number(x: Any) -> str:
    return f"{x:.4g}" if isinstance(x, float) else str(x)


def escaped(text: Any) -> str:
    """Text as HTML."""
    return html.escape(str(text))
