"""Line charts as SVG, by hand: a few lines over the budget."""

import math
from xml.sax.saxutils import escape

COLOURS = ("#1b6ca8", "#d1495b", "#66a182", "#edae49", "#6f4e7c", "#8d96a3", "#00798c", "#b5651d", "#2e4057")
WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 760, 380, 70, 40, 190, 50


def ticks(low, high, logarithmic):
    """A few round values in between."""
    if logarithmic:
        return [step * 10.0 ** power for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
                for step in (1, 2, 5) if low <= step * 10.0 ** power <= high]
    step = 10.0 ** math.floor(math.log10((high - low) or 1.0))
    step = step / 5 if (high - low) / step < 2 else step / 2 if (high - low) / step < 5 else step
    return [round(step * i, 10) for i in range(math.ceil(low / step), math.floor(high / step) + 1)]


class Axis:
    def __init__(self, values, begin, end, logarithmic=False):
        self.logarithmic = logarithmic
        low, high = min(values), max(values)
        room = 0.0 if logarithmic else (high - low or 1.0) * 0.05
        self.low, self.high = low - room, high + room
        if self.low == self.high:
            self.high = self.low * 2 or 1.0
        self._begin, self._end = begin, end

    def at(self, value):
        low, high = self.low, self.high
        if self.logarithmic:
            low, high, value = math.log(low), math.log(high), math.log(value)
        return round(self._begin + (self._end - self._begin) * (value - low) / (high - low), 1)

    def ticks(self):
        return ticks(self.low, self.high, self.logarithmic)


def chart(title, across, up, lines, logarithmic=False, mark=None):
    """`lines`: {name: [(x, y)…]}; what is infinite or missing is left out. `mark`: a y to draw across. "" if nothing is left."""
    kept = {name: [(x, y) for x, y in points if y is not None and math.isfinite(y) and (y > 0 or not logarithmic)]
            for name, points in lines.items()}
    points = [point for line in kept.values() for point in line]
    if not points:
        return ""
    x_axis = Axis([x for x, _ in points], LEFT, WIDTH - RIGHT)
    y_axis = Axis([y for _, y in points] + ([mark] if mark else []), HEIGHT - BOTTOM, TOP, logarithmic)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
             f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
             f'<text x="{LEFT}" y="22" font-size="15">{escape(title)}</text>', *grid(x_axis, y_axis, across, up)]
    if mark:
        parts.append(f'<path d="M{LEFT} {y_axis.at(mark)}H{WIDTH - RIGHT}" stroke="#444" stroke-dasharray="5 4" fill="none"/>')
    for number, (name, line) in enumerate(kept.items()):
        parts += drawn(number, name, sorted(line), x_axis, y_axis)
    return "\n".join([*parts, "</svg>"]) + "\n"


def grid(x_axis, y_axis, across, up):
    parts = []
    for value in y_axis.ticks():
        parts.append(f'<path d="M{LEFT} {y_axis.at(value)}H{WIDTH - RIGHT}" stroke="#e4e4e4"/>'
                     f'<text x="{LEFT - 6}" y="{y_axis.at(value) + 4}" text-anchor="end">{value:g}</text>')
    for value in x_axis.ticks():
        parts.append(f'<text x="{x_axis.at(value)}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{value:g}</text>')
    parts.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 12}" text-anchor="middle">{escape(across)}</text>')
    parts.append(f'<text transform="translate(16 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle">'
                 f'{escape(up)}</text>')
    return parts


def drawn(number, name, line, x_axis, y_axis):
    colour = COLOURS[number % len(COLOURS)]
    at = [(x_axis.at(x), y_axis.at(y)) for x, y in line]
    path = " ".join(f"{x},{y}" for x, y in at)
    dots = "".join(f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>' for x, y in at)
    y = TOP + 10 + 18 * number
    return [f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.8"/>{dots}',
            f'<path d="M{WIDTH - RIGHT + 12} {y - 4}h18" stroke="{colour}" stroke-width="3"/>'
            f'<text x="{WIDTH - RIGHT + 36}" y="{y}">{escape(name)}</text>']
