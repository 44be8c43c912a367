"""Drawings, as SVG written by hand: they read on a light and on a dark page."""
import math
from dataclasses import dataclass
from html import escape

from .french import count, three, typographic

WIDTH = 760
STYLE = """<style>
text { font: 13px system-ui, sans-serif; fill: #24292f }
.small { font-size: 12px; fill: #57606a }
.grid { stroke: #d0d7de; stroke-width: 1 }
.ours { fill: #1f6feb; stroke: none }
.peer { fill: #8c959f; stroke: none }
.fit { stroke: #1f6feb; stroke-width: 1.5; fill: none; opacity: .55 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .small { fill: #9da7b1 } .grid { stroke: #30363d }
  .ours { fill: #58a6ff } .fit { stroke: #58a6ff } .peer { fill: #8b949e }
}
</style>"""


@dataclass
class Curve:
    """Times against a size."""

    title: str
    points: list  # (size, seconds)

    @property
    def fit(self):
        """Slope, start and R² of the least squares line."""
        n = len(self.points)
        mx, my = sum(x for x, _ in self.points) / n, sum(y for _, y in self.points) / n
        sxx = sum((x - mx) ** 2 for x, _ in self.points)
        slope = sum((x - mx) * (y - my) for x, y in self.points) / sxx
        start = my - slope * mx
        left = sum((y - start - slope * x) ** 2 for x, y in self.points)
        whole = sum((y - my) ** 2 for _, y in self.points)
        return slope, start, 1 - left / whole if whole else 1.0


def svg(height, title, body):
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">'
    return "\n".join([head, f"<title>{said(title)}</title>", STYLE, *body, "</svg>", ""])


def said(text):
    return escape(typographic(text))


def bars(title, shown):
    """Seconds of each line on a logarithmic scale: from thousandths to minutes, all are seen. The first is ours."""
    if not shown:
        return svg(30, title, [f'<text x="8" y="20">{said(title)}</text>'])
    left, right, step, top = 400, 70, 26, 44
    low = 10 ** math.floor(math.log10(min(value for _, value in shown)))
    high = max(10 ** math.ceil(math.log10(max(value for _, value in shown))), low * 10)
    place = lambda value: left + (WIDTH - left - right) * math.log(value / low) / math.log(high / low)
    bottom = top + step * len(shown)
    body = [f'<text x="8" y="20">{said(title)} <tspan class="small">(secondes, échelle logarithmique)</tspan></text>']
    mark = low
    while mark <= high * 1.001:
        x = place(mark)
        body.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{top - 8}" y2="{bottom}"/>')
        label = f"{mark:g}".replace(".", ",")
        body.append(f'<text class="small" x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{label} s</text>')
        mark *= 10
    for at, (label, value) in enumerate(shown):
        y, kind = top + step * at + step / 2, "peer" if at else "ours"
        body.append(f'<text x="{left - 12}" y="{y + 4}" text-anchor="end">{said(label.replace("`", ""))}</text>')
        body.append(f'<circle class="{kind}" cx="{place(value):.1f}" cy="{y}" r="5"/>')
        body.append(f'<text class="small" x="{place(value) + 10:.1f}" y="{y + 4}">{three(value)}</text>')
    return svg(bottom + 28, title, body)


def curves(title, drawn):
    """One panel for each curve: what was measured, and the line through it."""
    height, gap = 300, 24
    wide = (WIDTH - gap * (len(drawn) - 1)) / len(drawn)
    body = [f'<text x="8" y="20">{said(title)}</text>']
    for at, curve in enumerate(drawn):
        body += panel(curve, at * (wide + gap), 36, wide, height - 36)
    return svg(height, title, body)


def panel(curve, x0, y0, width, height):
    left, right, top, bottom = x0 + 52, x0 + width - 16, y0 + 24, y0 + height - 28
    x_most, y_most = nice(max(x for x, _ in curve.points)), nice(max(y for _, y in curve.points))
    px = lambda x: left + (right - left) * x / x_most
    py = lambda y: bottom - (bottom - top) * max(0.0, y) / y_most
    body = [f'<text x="{left}" y="{y0 + 10}">{said(curve.title)}</text>']
    for quarter in range(5):
        x, y = x_most * quarter / 4, y_most * quarter / 4
        body.append(f'<line class="grid" x1="{left}" x2="{right:.1f}" y1="{py(y):.1f}" y2="{py(y):.1f}"/>')
        seconds = f"{y:g}".replace(".", ",")
        body.append(f'<text class="small" x="{left - 6}" y="{py(y) + 4:.1f}" text-anchor="end">{seconds} s</text>')
        body.append(f'<text class="small" x="{px(x):.1f}" y="{bottom + 18}" text-anchor="middle">{short(x)}</text>')
    slope, start, _ = curve.fit
    end = max(x for x, _ in curve.points)
    body.append(f'<path class="fit" d="M{px(0):.1f} {py(start):.1f} L{px(end):.1f} {py(start + slope * end):.1f}"/>')
    body += [f'<circle class="ours" cx="{px(x):.1f}" cy="{py(y):.1f}" r="4"/>' for x, y in curve.points]
    return body


def nice(value):
    """The next round number above, that four divides well."""
    power = 10 ** math.floor(math.log10(value)) if value > 0 else 1
    return next(step * power for step in (1, 1.2, 1.6, 2, 2.4, 3.2, 4, 5, 6, 8, 10) if step * power >= value * 0.999)


def short(value):
    if value >= 1e6:
        return f"{value / 1e6:g} M".replace(".", ",")
    return count(round(value))
