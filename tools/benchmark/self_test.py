"""Tests of the parts that need no servers: tools/bench --self-test."""
import pathlib
import tempfile
import unittest

from . import figures, report
from .goals import GOALS, Goal
from .table import lines as all_lines


def line_of(result, name="get", compared="us"):
    return {"name": name, "title": "t", "figures": [compared], "compared": compared, "command": "c", "rounds": 3,
            "seconds": 1, "when": "w", "commit": "c", "load": "0", "result": result}


class Figures(unittest.TestCase):
    def test_rounds_are_gathered_by_contender_and_figure(self):
        result = figures.gather([{"a": {"us": 1}, "b": {"us": 2}}, {"a": {"us": 3}, "b": {"us": 8}}])
        self.assertEqual(result, {"a": {"us": [1, 3]}, "b": {"us": [2, 8]}})
        self.assertEqual(figures.median(result, "a", "us"), 2)
        self.assertEqual(figures.worst(result, "b", "us"), 8)

    def test_ratios_are_those_within_a_round(self):
        result = {"a": {"us": [1, 6]}, "b": {"us": [2, 3]}}
        self.assertEqual(figures.ratios(result, "us", "a", "b"), [0.5, 2.0])

    def test_numbers_are_short(self):
        for number, text in ((0, "0"), (0.12345, "0.123"), (7.126, "7.13"), (123.44, "123.4"), (54321.6, "54,322")):
            self.assertEqual(figures.short(number), text)
        self.assertEqual(figures.with_spread([3, 1, 2]), "2.00 (1.00..3.00)")


class Goals(unittest.TestCase):
    RESULT = {"flare": {"us": [1.0, 2.0, 9.0]}, "memcached": {"us": [2.0, 2.0, 2.0]}}

    def test_each_case(self):
        for goal, figure, met in (
                (Goal("", "get", "flare", "us", 1.0, "memcached"), 1.0, True),
                (Goal("", "get", "flare", "us", 0.99, "memcached"), 1.0, False),
                (Goal("", "get", "flare", "us", 1.0, "memcached", at_least=True), 1.0, True),
                (Goal("", "get", "flare", "us", 1.01, "memcached", at_least=True), 1.0, False),
                (Goal("", "get", "flare", "us", 8.0, worst=True), 9.0, False),
                (Goal("", "get", "flare", "us", 2.0), 2.0, True)):
            self.assertEqual((goal.figure_of(self.RESULT), goal.met(self.RESULT)), (figure, met), goal)

    def test_each_goal_is_of_a_line_that_has_its_figure(self):
        table = all_lines()
        for goal in GOALS:
            self.assertIn(goal.line, table, goal.text)
            self.assertIn(goal.figure, table[goal.line].figures, goal.text)
            contenders = getattr(table[goal.line], "contenders", None)
            for contender in filter(None, (goal.contender, goal.than)):
                self.assertIn(contender, contenders or (contender,), goal.text)


class Report(unittest.TestCase):
    def test_missed_goals_are_first_and_what_was_not_measured_is_open(self):
        result = {"flare": {"us": [2.0], "ops": [10.0]}, "memcached": {"us": [1.0], "ops": [10.0]},
                  "redis": {"us": [1.0], "ops": [10.0]}}
        rows = report.goal_rows({"get": line_of(result)})
        self.assertEqual((rows[0][0], rows[0][1].text), (False, "get: processor time"))
        self.assertIsNone(rows[1][0])
        self.assertTrue(rows[-1][0])
        self.assertEqual(len(rows), len(GOALS))

    def test_a_line_that_failed_has_its_reason(self):
        failed = {"name": "get", "title": "t", "failed": "no port is free"}
        self.assertIn("Not measured: no port is free", list(report.line_table(failed)))
        row = next(row for row in report.goal_rows({"get": failed}) if row[1].line == "get")
        self.assertEqual((row[0], row[2]), (None, "no port is free"))

    def test_a_line_shows_medians_spread_and_ratios(self):
        result = {"flare": {"us": [1.0, 3.0, 2.0]}, "memcached": {"us": [2.0, 2.0, 2.0]}}
        table = list(report.line_table(line_of(result)))
        self.assertIn("| flare | 2.00 (1.00..3.00) | 1.00 (0.500..1.50) |", table)
        self.assertIn("| memcached | 2.00 (2.00..2.00) |  |", table)

    def test_only_what_is_between_the_markers_is_replaced(self):
        with tempfile.TemporaryDirectory() as folder:
            page = pathlib.Path(folder) / "page.md"
            page.write_text(f"before\n{report.BEGIN} -->\nold\n{report.END}\nbehind\n")
            for _ in range(2):
                report.write(page, ["new"])
            self.assertEqual(page.read_text(), f"before\n{report.BEGIN} -->\n\nnew\n\n{report.END}\nbehind\n")
            page.write_text("no markers")
            self.assertRaises(SystemExit, report.write, page, ["new"])


def run():
    suite = unittest.defaultTestLoader.loadTestsFromModule(__import__(__name__, fromlist=["run"]))
    return 0 if unittest.TextTestRunner().run(suite).wasSuccessful() else 1
