"""The page in a real browser: what it draws, what a click, a slider and a key do, light and dark, narrow and wide.

    pip install playwright                              # in the environment of the tests; the browser is the system's
    python -m tests.show.browser [FOLDER] [axe.min.js]  # pages and pictures go to FOLDER, to be looked at

Without playwright or Chromium it says so and stops. With axe-core's file it also checks what a screen reader gets.
"""

import json
import re
import shlex
import shutil
import sys
import tempfile
from pathlib import Path

import matplotlib
import numpy as np

from jaxsnn import Status
from jaxsnn.show import page
from jaxsnn.sweeps import command_of
from tests.show.reading import grid, listed

SIZES = {"wide": (1400, 1000), "middle": (900, 900), "narrow": (390, 844)}

TEXTS = (Path(__file__).parent / "texts.js").read_text()


def collisions(texts):
    """Pairs of texts that overlap, and texts that leave their canvas, by more than half a pixel."""
    found = []
    for i, one in enumerate(texts):
        left, top, right, bottom = one["box"]
        if left < -0.5 or top < -0.5 or right > one["room"][0] + 0.5 or bottom > one["room"][1] + 0.5:
            found.append((one["text"], "outside"))
        for other in texts[i + 1 :]:
            a, b, c, d = other["box"]
            if min(right, c) - max(left, a) > 0.5 and min(bottom, d) - max(top, b) > 0.5:
                found.append((one["text"], other["text"]))
    return found


def troubled():
    """A sweep with all that can be in the way: long names, choices, failures, points that have not run, NaN, zeros."""
    ds = grid(**{"E.neuron.tau_of_adaptation": 5, "rule": 3, "weight": 6, "seed": 3})
    rule = ["PairSTDP", "Clopath(a_plus=0.0001, tau=20.0)", "none"]
    ds = ds.assign_coords(rule=rule, weight=np.geomspace(1e-6, 0.1, 6))
    ds["rate"].values[0] = np.nan
    ds["rate"].values[1, 0] = 0.0
    ds["rate"].values[2] *= 1e-3
    status = ds.status.values
    status[3, 1] = int(Status.NOT_RUN)
    status[4, 2, 3:] = int(Status.NOT_RUN)
    status[2, 0, 1, 0] = int(Status.NOT_FINITE)
    failure = np.where(status == int(Status.NOT_RUN), "trace: ValueError: <b>no</b> such rule", "").astype(object)
    failure[4, 2, 3:] = ""
    ds["failure"] = (ds.status.dims, failure.astype(str))
    return ds


class Check:
    """One page in one browser; what is wrong is listed."""

    def __init__(self, browser, path, size="wide", scheme="light", address=""):
        self.wrong, self.path = [], path
        wide, high = SIZES[size]
        self.context = browser.new_context(
            viewport={"width": wide, "height": high},
            color_scheme=scheme,
            device_scale_factor=2 if size == "narrow" else 1,
            offline=True,
            permissions=["clipboard-read", "clipboard-write"],
        )
        self.page = self.context.new_page()
        self.page.add_init_script(TEXTS)
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", self._requested)
        self.page.goto(path.as_uri() + address)
        self.page.wait_for_selector("main:not([hidden])")
        self.settle()

    def _said(self, message):
        if "willReadFrequently" not in message.text:  # what this check does
            self.wrong.append(message.text)

    def _requested(self, request):
        if not request.url.startswith((self.path.as_uri(), "data:")):
            self.wrong.append(f"asked for {request.url}")

    def settle(self):
        self.page.evaluate("new Promise((r) => requestAnimationFrame(() => setTimeout(r, 30)))")

    def text(self, selector):
        return self.page.inner_text(selector).strip()

    def value(self, name):
        """A result in the panel of the chosen point, as a number."""
        (row,) = [r for r in self.page.query_selector_all("#values tr") if r.query_selector("th").inner_text() == name]
        words = row.query_selector("td").inner_text().replace("−", "-").replace("×10", "e")
        return words.translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")).split()[0]

    def slide(self, dim, place):
        self.page.locator(f'input[type=range][name="{dim}"]').fill(str(place))
        self.settle()

    def looks(self):
        """No text on another, none cut off, and no page wider than the screen."""
        for canvas in ("map-canvas", "lines-canvas"):
            if found := collisions(self.page.evaluate(f"textsOn('{canvas}')")):
                self.wrong.append(f"{canvas}: texts collide: {found[:5]}")
        names = [t for t in self.page.evaluate("textsOn('parallel-canvas')") if t["box"][1] < 40]
        if found := collisions(names):
            self.wrong.append(f"names of axes collide: {found[:5]}")
        if self.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            self.wrong.append("the page is wider than the screen")

    def close(self, what):
        self.context.close()
        print(f"{'ok' if not self.wrong else 'WRONG'}: {what}")
        for line in self.wrong:
            print(f"    {line}")
        return bool(self.wrong)


def same(check, found, expected, what, tolerance=2e-5):
    if not np.isclose(float(found), float(expected), rtol=tolerance, atol=0, equal_nan=True):
        check.wrong.append(f"{what}: the page has {found}, the dataset {expected}")


def check_values(browser, path, ds):
    """A click, the sliders and the keys choose points; each has the values of the dataset and a command of its own."""
    check = Check(browser, path)
    check.page.uncheck('[name="all seed"]')
    for g, eta, seed in ((0, 0, 0), (3, 2, 1), (6, 4, 0)):
        for dim, place in (("g", g), ("eta", eta), ("seed", seed)):
            check.slide(dim, place)
        point = ds.isel(g=g, eta=eta, seed=seed)
        for name in ("rate", "cv"):
            same(check, check.value(name), point[name], f"{name} at {g}, {eta}, {seed}")
        command = command_of(ds, {"g": g, "eta": eta, "seed": seed})
        if check.text("#command") != command:
            check.wrong.append(f"the command is {check.text('#command')}, expected {command}")
    check.page.focus("#map-canvas")
    check.page.keyboard.press("ArrowLeft")
    check.page.keyboard.press("ArrowDown")
    check.settle()
    same(check, check.value("rate"), ds.rate[5, 3, 0], "after two arrow keys")
    check.page.check('[name="all seed"]')
    check.settle()
    same(check, check.value("rate"), ds.rate[5, 3].mean(), "mean over seeds", 1e-4)
    check.page.click("#copy")
    check.settle()
    if check.page.evaluate("navigator.clipboard.readText()") != check.text("#command"):
        check.wrong.append("the command was not copied")
    return check.close("sliders, keys, values, commands, copying")


def check_listed(browser, path, ds):
    """Where points are listed, a click takes the nearest; without a command the page says how Python asks for it."""
    check = Check(browser, path)
    canvas = check.page.locator("#map-canvas").bounding_box()
    check.page.mouse.click(canvas["x"] + 0.5 * canvas["width"], canvas["y"] + 0.5 * canvas["height"])
    check.settle()
    found = re.fullmatch(r'ds.isel\({"point": (\d+)}\)', check.text("#command"))
    if not found or found[1] == "0":
        check.wrong.append(f"the page says {check.text('#command')!r}")
    else:
        same(check, check.value("rate"), ds.rate[int(found[1])], "rate of a listed point")
        same(check, check.text("#sliders dd >> nth=0"), ds.g[int(found[1])], "g of a listed point", 1e-5)
    return check.close("listed points")


def check_colours(browser, path, ds, colours="viridis"):
    """The colour of every cell is that of its value in matplotlib's viridis; a click chooses what the tip has said."""
    check = Check(browser, path)
    check.page.select_option("#scale", "linear")
    check.page.select_option("#range", "map")
    check.settle()
    mean = ds.rate.mean("seed")
    low, high = float(mean.min()), float(mean.max())
    box, seen = check.page.locator("#map-canvas").bounding_box(), set()
    for fx in np.linspace(0.09, 0.83, 14):
        for fy in np.linspace(0.05, 0.85, 11):
            x, y = fx * box["width"], fy * box["height"]
            check.page.mouse.move(box["x"] + x, box["y"] + y)
            tip = check.page.text_content("#map .tip")
            if check.page.is_hidden("#map .tip") or not (found := re.match(r"g (\S+), eta (\S+)\nrate (\S+) Hz", tip)):
                continue
            g, eta, value = map(float, found.groups())
            same(check, value, mean.sel(g=g, eta=eta, method="nearest"), f"the tip at g {g}, eta {eta}", 1e-4)
            pixel = check.page.evaluate(
                f"Array.from(document.getElementById('map-canvas').getContext('2d').getImageData({x}, {y}, 1, 1).data)"
            )
            expected = np.array(matplotlib.colormaps[colours]((value - low) / (high - low))) * 255
            if np.abs(np.array(pixel[:3]) - expected[:3]).max() <= 5:
                seen.add((g, eta))
    if len(seen) < 0.9 * mean.size:
        check.wrong.append(f"{len(seen)} of {mean.size} cells have the colour of {colours}")
    check.page.mouse.click(box["x"] + x, box["y"] + y)
    check.settle()
    return check.close(f"colours and tips of a heat map, as {colours}")


def check_ranges(browser, path, ds):
    """Ranges typed and drawn keep the points that NumPy keeps; a reload shows the same."""
    check = Check(browser, path)
    check.page.click("#ranges summary")
    check.page.fill('[aria-label="rate: from"]', "30")
    check.page.keyboard.press("Tab")
    check.settle()
    n = int((ds.rate >= 30).sum())
    if not check.text("#matching").startswith(f"{n} of {ds.rate.size} points"):
        check.wrong.append(f"{n} points have a rate above 30; the page says {check.text('#matching')!r}")
    check.page.wait_for_timeout(500)
    check.page.reload()
    check.page.wait_for_selector("main:not([hidden])")
    check.settle()
    if not check.text("#matching").startswith(f"{n} of"):
        check.wrong.append("a reload forgot the range")
    check.page.click("#clear")
    check.settle()
    canvas = check.page.locator("#parallel-canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    x = box["x"] + 44  # the first axis, g
    check.page.mouse.move(x, box["y"] + 60)
    check.page.mouse.down()
    check.page.mouse.move(x, box["y"] + 170, steps=5)
    check.page.mouse.up()
    check.settle()
    said = re.match(r"(\d+) of", check.text("#matching"))
    if not said or not 0 < int(said[1]) < ds.rate.size or int(said[1]) % (5 * 2):
        check.wrong.append(f"a range drawn on the axis of g keeps {check.text('#matching')!r}")
    return check.close("ranges on axes")


def check_open_range(browser, path):
    """A range with one end is drawn up to the other end of its axis, on a logarithmic one, too."""
    check = Check(browser, path)
    check.page.click("#ranges summary")
    tall = {}
    for limit in ("", "30"):
        check.page.fill('[aria-label="rate: to"]', limit)
        check.page.keyboard.press("Tab")
        check.settle()
        tall[limit] = check.page.evaluate(
            """(() => {  // pixels of the frame of a range, left of the axis of the fifth of seven
                const canvas = document.getElementById("parallel-canvas");
                const x = Math.round(44 + (4 * (canvas.width - 88)) / 6) - 7;
                const data = canvas.getContext("2d").getImageData(x, 44, 1, 252).data;
                const near = (i) => [0x0b, 0x63, 0xb0].reduce((sum, c, k) => sum + Math.abs(data[i + k] - c), 0) < 120;
                return Array.from({length: 252}, (_, i) => near(4 * i)).filter(Boolean).length;
            })()"""
        )
    if tall["30"] - tall[""] < 50:
        check.wrong.append(f"of the frame of the range there are {tall} pixels")
    return check.close("a range with one end")


def value(word):
    """An argument of a command, numbers as numbers: 1e-06 is 0.000001."""
    name, _, text = word.partition("=")
    try:
        return name, float(text)
    except ValueError:
        return name, text


def check_troubles(browser, path, ds):
    """What failed is listed with its reason, as text; a click there chooses the point, which says why."""
    check = Check(browser, path)
    if "<b>no</b> such rule" not in check.text("#troubles"):
        check.wrong.append("the message is not shown as it is")
    check.page.locator("#troubles button", has_text="weight").first.click()
    check.settle()
    if "trace: ValueError" not in check.text("#point-trouble") and "NOT_FINITE" not in check.text("#point-trouble"):
        check.wrong.append(f"the chosen point says {check.text('#point-trouble')!r}")
    for weight in range(6):
        check.slide("weight", weight)
        at = {"E.neuron.tau_of_adaptation": 3, "rule": 1, "weight": weight, "seed": 0}
        for dim in ("E.neuron.tau_of_adaptation", "rule"):
            check.slide(dim, at[dim])
        words, expected = (shlex.split(text) for text in (check.text("#command"), command_of(ds, at)))
        if [value(x) for x in words] != [value(x) for x in expected]:
            check.wrong.append(f"the command is {words}, expected {expected}")
    for x, y in (("weight", "rule"), ("rule", "weight"), ("seed", "weight")):
        check.page.select_option("#x", x)
        check.page.select_option("#y", y)
        check.page.select_option("#along", x)
        check.settle()
        check.looks()
        for word in ("not run yet", "failed"):
            if "seed" not in (x, y) and word == "failed" and word not in check.text("#key"):
                check.wrong.append(f"the key of {x} and {y} does not say {word!r}")
    return check.close("failures")


def check_live(browser, folder):
    """An open page reads itself again and shows what is new, with what was chosen kept."""
    ds = grid(g=7, eta=5)
    ds["status"][4:] = np.uint32(Status.NOT_RUN)
    path = page(ds, folder / "live.html", refresh=1.0)
    check = Check(browser, path)
    if "20 done" not in check.text("header") or "read again every 1 s" not in check.text("header"):
        check.wrong.append(f"the page of a running sweep says {check.text('header')!r}")
    check.page.select_option("#variable", "cv")
    check.page.wait_for_timeout(500)
    page(grid(g=7, eta=5), path)
    check.page.evaluate("document.activeElement.blur()")
    for _ in range(20):
        check.page.wait_for_timeout(300)
        if "done" not in check.text("header"):
            break
    else:
        check.wrong.append("the page did not read itself again")
    check.page.wait_for_selector("main:not([hidden])")
    check.settle()
    if check.page.input_value("#variable") != "cv":
        check.wrong.append("what was chosen is forgotten when the page reads itself again")
    return check.close("a sweep that runs")


def check_save(browser, path):
    """The map is saved as a PNG."""
    check = Check(browser, path)
    with check.page.expect_download() as download:
        check.page.click("#save")
    if not Path(download.value.path()).read_bytes().startswith(b"\x89PNG"):
        check.wrong.append("what is saved is no PNG")
    return check.close("saving the map")


def check_looks(browser, path, folder, axe):
    """Every size, light and dark: no text on another; a picture to look at; what axe-core finds."""
    wrong = 0
    for size in SIZES:
        for scheme in ("light", "dark"):
            check = Check(browser, path, size, scheme)
            check.looks()
            check.page.screenshot(path=folder / f"{path.stem}-{size}-{scheme}.png", full_page=True)
            if axe is not None:
                check.page.evaluate(axe.read_text())
                found = check.page.evaluate("axe.run()")["violations"]
                check.wrong += [f"{one['id']}: {one['help']}: {one['nodes'][0]['html'][:150]}" for one in found]
            wrong += check.close(f"{path.stem}, {size}, {scheme}")
    return wrong


def main(folder, axe=None):
    """All checks; how many fail."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return print("skipped: there is no playwright; pip install playwright") or 0
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        return print("skipped: there is no Chromium, which the system's package manager has") or 0
    ds = grid(g=7, eta=5, seed=2)
    pages = {
        "grid": page(ds, folder / "grid.html"),
        "troubled": page(troubled(), folder / "troubled.html"),
        "listed": page(listed(300), folder / "listed.html"),
        "many": page(listed(100_000), folder / "many.html"),
        "line": page(grid(g=9, seed=4), folder / "line.html"),
        "point": page(grid(g=1).isel(g=0), folder / "point.html"),
    }
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        wrong = check_values(browser, pages["grid"], ds)
        wrong += check_colours(browser, pages["grid"], ds)
        print("the next one has to be wrong, as a negative control:")
        wrong += not check_colours(browser, pages["grid"], ds, "cividis")
        wrong += check_ranges(browser, pages["grid"], ds)
        wrong += check_open_range(browser, pages["troubled"])
        wrong += check_troubles(browser, pages["troubled"], troubled())
        wrong += check_listed(browser, pages["listed"], listed(300))
        wrong += check_live(browser, folder)
        wrong += check_save(browser, pages["grid"])
        for path in pages.values():
            wrong += check_looks(browser, path, folder, axe)
        browser.close()
    print(json.dumps({"wrong": wrong, "pictures": str(folder)}))
    return wrong


if __name__ == "__main__":
    places = [Path(name).resolve() for name in sys.argv[1:]]
    places = places or [Path(tempfile.mkdtemp())]
    places[0].mkdir(parents=True, exist_ok=True)
    sys.exit(bool(main(*places)))
