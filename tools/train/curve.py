"""The risk-coverage curve as a small SVG: how many clips are answered, and how many of these answers are wrong."""

from pathlib import Path

WIDTH, HEIGHT, MARGIN = 420, 260, 46
MOST_RISK = 0.2
FONT = 'font-family="sans-serif" font-size="11"'


def write_curve(path: Path, curve: list[tuple[float, float, float]], threshold: float, title: str) -> None:
    """Write `curve`, rows of (threshold, coverage, risk); the shipped threshold is marked."""

    def place(coverage: float, risk: float) -> tuple[float, float]:
        x = MARGIN + coverage * (WIDTH - MARGIN - 16)
        return x, HEIGHT - MARGIN - min(risk, MOST_RISK) / MOST_RISK * (HEIGHT - MARGIN - 30)

    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(coverage, risk) for _, coverage, risk in curve))
    shipped = min(curve, key=lambda row: abs(row[0] - threshold))
    legend = f"threshold {threshold:g}: {shipped[1]:.2f} answered, {shipped[2]:.3f} wrong"
    x, y = place(shipped[1], shipped[2])
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" {FONT}>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{MARGIN}" y="18" font-size="13">{title}: left-out persons</text>',
    ]
    for tick in range(6):
        tick_x, base = place(tick / 5, 0)
        _, tick_y = place(0, tick / 5 * MOST_RISK)
        lines += [
            f'<line x1="{tick_x:.1f}" y1="30" x2="{tick_x:.1f}" y2="{base:.1f}" stroke="#ddd"/>',
            f'<line x1="{MARGIN}" y1="{tick_y:.1f}" x2="{WIDTH - 16}" y2="{tick_y:.1f}" stroke="#ddd"/>',
            f'<text x="{tick_x:.1f}" y="{base + 14:.1f}" text-anchor="middle">{tick / 5:g}</text>',
            f'<text x="{MARGIN - 6}" y="{tick_y + 4:.1f}" text-anchor="end">{tick / 5 * MOST_RISK:.2f}</text>',
        ]
    lines += [
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 10}" text-anchor="middle">share of clips answered</text>',
        f'<text transform="translate(12 {HEIGHT / 2}) rotate(-90)" text-anchor="middle">wrong among them</text>',
        f'<polyline points="{points}" fill="none" stroke="#2457a6" stroke-width="2"/>',
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#c0392b"/>',
        f'<text x="{x - 8:.1f}" y="{y - 8:.1f}" text-anchor="end">{legend}</text>',
        "</svg>",
    ]
    path.write_text("\n".join(lines) + "\n")
