"""Medians, spread and ratios of what the rounds have found.

A result is {contender: {figure: [one value for each round]}}.
"""
import statistics


def gather(rounds):
    """Rounds of {contender: {figure: value}} as a result."""
    result = {}
    for found in rounds:
        for contender, figures in found.items():
            for figure, value in figures.items():
                result.setdefault(contender, {}).setdefault(figure, []).append(value)
    return result


def median(result, contender, figure):
    return statistics.median(result[contender][figure])


def worst(result, contender, figure):
    return max(result[contender][figure])


def ratios(result, figure, ours, theirs):
    """Of each round: both were measured within seconds of each other."""
    return [a / b for a, b in zip(result[ours][figure], result[theirs][figure]) if b]


def short(number):
    """At most four digits that say something."""
    if number == 0:
        return "0"
    if abs(number) >= 1000:
        return f"{number:,.0f}"
    digits = 3 if abs(number) < 1 else 2 if abs(number) < 100 else 1
    return f"{number:.{digits}f}"


def with_spread(values):
    if len(values) == 1:
        return short(values[0])
    return f"{short(statistics.median(values))} ({short(min(values))}..{short(max(values))})"
