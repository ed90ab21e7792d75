"""Tests of the parts that need no servers: tools/bench --self-test."""
import math
import pathlib
import tempfile
import unittest
import xml.etree.ElementTree

from . import figures, growth, long, plot, report, write_back
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


    def test_each_part_of_the_page_has_markers_of_its_own(self):
        page = (pathlib.Path(__file__).resolve().parents[2] / "docs/benchmarks.md").read_text()
        for begin, end in ((report.BEGIN, report.END), report.markers("growth"), report.markers("long")):
            self.assertEqual((page.count(begin), page.count(end)), (1, 1), begin)
            self.assertLess(page.find(begin), page.find(end))


class Growth(unittest.TestCase):
    CENTRE = growth.CENTRE

    def test_each_point_is_measured_once_and_the_centre_lies_on_all_axes(self):
        points = growth.points()
        self.assertEqual(len(points), len(set(points)))
        self.assertEqual(len(points), 1 + sum(len(values) - 1 for values in growth.AXES.values()))
        for axis in growth.AXES:
            self.assertIn(self.CENTRE, growth.points_of(axis))

    def test_memcached_is_beside_where_it_has_such_an_axis(self):
        for point, programs in ((self.CENTRE, ["flare", "memcached"]), (self.CENTRE._replace(slaves=1), ["flare"]),
                                (self.CENTRE._replace(partitions=4), ["flare"]),
                                (self.CENTRE._replace(connections=1), ["flare", "memcached"])):
            self.assertEqual([name[0] for name in growth.contenders_of(point)], programs)
        self.assertEqual(growth.contenders_of(self.CENTRE._replace(connections=9_000)), growth.contenders_of(self.CENTRE))
        self.assertEqual(set(growth.starters()), {name for point in growth.points() for name in growth.contenders_of(point)})

    def found(self):
        kept = {figure: [1.0] for figure in growth.SHOWN}
        costs = {0: 2.0, 1: 4.0, 2: 5.0}
        return {(self.CENTRE._replace(slaves=slaves), "set", "flare"): {**kept, "us": [cost]} for slaves, cost in costs.items()}

    def test_each_row_stands_beside_the_one_before(self):
        rows = [(value, grown) for _, _, value, _, grown in growth.axis_rows(self.found(), "slaves")]
        self.assertEqual(rows, [(0, None), (1, 2.0), (2, 1.25)])
        self.assertIn("| 1 | flare, set | 4.00 | 2.00 | 1.00 | 1.00 | 1.00 |", list(growth.table(self.found(), "slaves")))

    def test_the_plot_has_a_dot_for_each_figure(self):
        text = plot.svg(growth.panels(self.found()), "us & more")
        root = xml.etree.ElementTree.fromstring(text)
        # The centre lies on all four axes.
        self.assertEqual(len(root.findall("{http://www.w3.org/2000/svg}circle")), 6)


class Plot(unittest.TestCase):
    def test_scales(self):
        for value, logarithmic, pixel in ((1, True, 0), (10, True, 50), (100, True, 100), (1, False, 0), (100, False, 100)):
            self.assertEqual(plot.Scale(1, 100, 0, 100, logarithmic)(value), pixel)
        self.assertEqual(plot.Scale(3, 3, 0, 100, True)(3), 50)

    def test_ticks_enclose_the_figures(self):
        for low, high, ticks in ((3, 40, [2, 5, 10, 20, 50]), (0.3, 1, [0.2, 0.5, 1]), (2, 2, [2]), (7, 7, [5, 10])):
            found = plot.ticks_between(low, high)
            self.assertTrue(len(found) == len(ticks) and all(map(math.isclose, found, ticks)), (low, high, found))

    def test_numbers_are_short(self):
        self.assertEqual([plot.short(number) for number in (0.5, 9_000, 10_000_000)], ["0.5", "9k", "10M"])


def result_of(buckets, begin=0.0, slowest=()):
    return {"all": {"buckets_us": buckets, "max_us": buckets[-1][0]}, "begin": begin, "slowest_us_by_second": list(slowest)}


class Long(unittest.TestCase):
    SAMPLES = [write_back.Sample(at, at, 0, written * 2 ** 20, 0, at / 10) for at, written in ((0, 0), (1, 0), (2, 50), (3, 50))]

    def test_minutes_make_up_the_whole(self):
        for seconds, wanted in ((600, 10 * [60]), (30, [30]), (90, [60, 30]), (70, [70]), (5, [5])):
            self.assertEqual(long.lengths(seconds), wanted)

    def test_shares_are_those_of_all_answers_together(self):
        found = long.shares([result_of([[10, 600], [20, 390]]), result_of([[10, 5], [900, 4], [5000, 1]])])
        self.assertEqual(found, {"p50": 10, "p99": 20, "p99.9": 900, "max": 5000})

    def test_a_second_has_what_was_written_in_it(self):
        rows = long.seconds_of([result_of([[9, 1]], 0.0, [7, 9]), result_of([[8, 1]], 2.0, [8])], self.SAMPLES)
        self.assertEqual([row[:3] for row in rows], [(0.0, 7, 0), (1.0, 9, 50), (2.0, 8, 0)])
        self.assertEqual([round(row[4]) for row in rows], [100, 100, 100])
        self.assertEqual(long.split(rows), ([9], [7, 8]))
        self.assertEqual(long.slowest_at(rows, 1.2), 9)

    def test_counters_are_taken_from_looks_around_the_time(self):
        for begin, end, wanted in ((1.5, 1.6, 50), (0.1, 0.9, 0), (-5, 99, 50), (2, 3, 0)):
            self.assertEqual(write_back.grown(self.SAMPLES, begin, end, "written") / 2 ** 20, wanted, (begin, end))
        self.assertEqual(write_back.most(self.SAMPLES, 1, 2, "dirty_mib"), 2)

    def test_the_longest_mount_point_counts(self):
        mounts = "/dev/a / ext4 rw 0 0\n/dev/b /tmp xfs ro 0 0\nnone /tmpx tmpfs rw 0 0\n"
        for path, wanted in (("/tmp/x", ("xfs", "ro")), ("/tmpxy", ("ext4", "rw")), ("/tmpx", ("tmpfs", "rw"))):
            self.assertEqual(write_back.mount_of(path, mounts), wanted)


def run():
    suite = unittest.defaultTestLoader.loadTestsFromModule(__import__(__name__, fromlist=["run"]))
    return 0 if unittest.TextTestRunner().run(suite).wasSuccessful() else 1
