"""A plot as SVG: panels in a row, one for each axis, costs on a logarithmic scale that all of them share."""
import math
from collections import namedtuple
from xml.sax.saxutils import escape

# lines: name -> [(x, y)]; logarithmic: of x
Panel = namedtuple("Panel", "title ticks lines logarithmic")

WIDTH, HEIGHT = 230, 260  # of a panel's field
LEFT, TOP, GAP, BOTTOM = 60, 56, 34, 44
COLOURS = ("#1b6ca8", "#c0392b", "#7f8c8d", "#d68910", "#27ae60", "#8e44ad")
STYLE = "text{font:12px sans-serif;fill:#222} .t{text-anchor:middle} .y{text-anchor:end} .h{font-weight:bold}"


class Scale:
    """Values onto pixels from `begin` to `end`."""

    def __init__(self, low, high, begin, end, logarithmic):
        self._of = math.log10 if logarithmic else float
        self._low, self._high = self._of(low), self._of(high)
        self._begin, self._end = begin, end

    def __call__(self, value):
        span = self._high - self._low
        part = (self._of(value) - self._low) / span if span else 0.5
        return round(self._begin + part * (self._end - self._begin), 1)


def ticks_between(low, high):
    """1, 2 and 5 times the powers of ten, from the last one not above `low` to the first one not below `high`."""
    exponent = math.floor(math.log10(low))
    steps = [base * 10.0 ** power for power in range(exponent, math.ceil(math.log10(high)) + 1) for base in (1, 2, 5)]
    first = max(step for step in steps if step <= low * (1 + 1e-9))
    last = min(step for step in steps if step >= high * (1 - 1e-9))
    return [step for step in steps if first <= step <= last]


def short(number):
    """10000 -> 10k"""
    for unit, size in (("M", 1_000_000), ("k", 1_000)):
        if number >= size:
            return f"{number / size:g}{unit}"
    return f"{number:g}"


def _text(x, y, text, kind):
    return f'<text x="{x}" y="{y}" class="{kind}">{escape(text)}</text>'


def _line(x1, y1, x2, y2, colour="#ddd"):
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{colour}"/>'


def _legend(names, colours):
    for place, name in enumerate(names):
        x = LEFT + 150 * place
        yield f'<rect x="{x}" y="12" width="14" height="4" fill="{colours[name]}"/>' + _text(x + 20, 18, name, "")


def _panel(panel, left, y_scale, y_ticks, colours):
    right, bottom = left + WIDTH, TOP + HEIGHT
    inner = Scale(min(panel.ticks), max(panel.ticks), left + 14, right - 14, panel.logarithmic)
    yield _text(left + WIDTH / 2, TOP - 10, panel.title, "t h")
    for tick in y_ticks:
        yield _line(left, y_scale(tick), right, y_scale(tick))
    for tick in panel.ticks:
        yield _line(inner(tick), bottom, inner(tick), bottom + 5, "#222")
        yield _text(inner(tick), bottom + 20, short(tick), "t")
    yield f'<rect x="{left}" y="{TOP}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#222"/>'
    for name, dots in panel.lines.items():
        places = [(inner(x), y_scale(y)) for x, y in dots]
        path = " ".join(f"{x},{y}" for x, y in places)
        yield f'<polyline points="{path}" fill="none" stroke="{colours[name]}" stroke-width="2"/>'
        for (x, y), (_, value) in zip(places, dots):
            yield f'<circle cx="{x}" cy="{y}" r="3.5" fill="{colours[name]}"><title>{escape(name)}: {value:.2f}</title></circle>'


def svg(panels, y_title):
    """The whole file."""
    panels = list(panels)
    costs = [y for panel in panels for dots in panel.lines.values() for _, y in dots]
    names = list(dict.fromkeys(name for panel in panels for name in panel.lines))
    colours = {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(names)}
    y_ticks = ticks_between(min(costs), max(costs))
    y_scale = Scale(y_ticks[0], y_ticks[-1], TOP + HEIGHT, TOP, True)
    width, height = LEFT + len(panels) * (WIDTH + GAP), TOP + HEIGHT + BOTTOM
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
             f"<style>{STYLE}</style>", f'<rect width="{width}" height="{height}" fill="#fff"/>', *_legend(names, colours),
             f'<text transform="translate(16 {TOP + HEIGHT / 2}) rotate(-90)" class="t">{escape(y_title)}</text>']
    parts += [_text(LEFT - 8, y_scale(tick) + 4, short(tick), "y") for tick in y_ticks]
    for place, panel in enumerate(panels):
        parts += _panel(panel, LEFT + place * (WIDTH + GAP), y_scale, y_ticks, colours)
    return "\n".join([*parts, "</svg>"]) + "\n"
