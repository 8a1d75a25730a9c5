#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks metrics in the text format of Prometheus, from standard input: that they are in that format, and named by its
rules. Where there is promtool, as tests/run sees to, it is asked, too. Exit status 1 when something is wrong, which is
printed."""
import os
import re
import shutil
import subprocess
import sys

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? (NaN|[+-]Inf|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$")
UNITS = {"seconds", "bytes"}
# Of what others would be written with.
WRONG_UNITS = {"milliseconds", "ms", "usec", "us", "nsec", "microseconds", "minutes", "hours", "days", "kib", "mib", "bits", "percent"}
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}


class Metric:
    def __init__(self, name, help_text):
        self.name, self.help, self.type = name, help_text, None
        self.samples = []  # (suffix, labels, value)


class Checker:
    def __init__(self):
        self.metrics, self.problems, self.current = {}, [], None

    def problem(self, text):
        self.problems.append(text)

    def take_help(self, rest):
        name, _, text = rest.partition(" ")
        if name in self.metrics:
            self.problem(f"{name}: a second HELP")
        if not re.fullmatch(NAME, name) or not text.strip():
            self.problem(f"{name}: no help")
        self.current = self.metrics[name] = Metric(name, text)

    def take_type(self, rest):
        name, _, kind = rest.partition(" ")
        if self.current is None or self.current.name != name:
            self.problem(f"{name}: TYPE does not follow its HELP")
            return
        if self.current.type is not None or self.current.samples:
            self.problem(f"{name}: a second TYPE, or one behind samples")
        if kind not in SUFFIXES:
            self.problem(f"{name}: type '{kind}'")
        self.current.type = kind

    def take_sample(self, line):
        match = SAMPLE.match(line)
        if not match:
            self.problem(f"no sample: {line}")
            return
        name, labels, value = match.group(1), match.group(2) or "", match.groups()[-1]
        metric = self.current
        if metric is None or metric.type is None or not name.startswith(metric.name):
            self.problem(f"{name}: does not stand below its HELP and TYPE")
            return
        suffix = name[len(metric.name) :]
        if suffix not in SUFFIXES.get(metric.type, ()):
            self.problem(f"{name}: is no sample of {metric.type} {metric.name}")
        metric.samples.append((suffix, re.findall(LABEL, labels), float(value)))

    def take(self, text):
        if not text.endswith("\n"):
            self.problem("the last line has no end")
        for line in text.split("\n")[:-1]:
            if line.startswith("# HELP "):
                self.take_help(line[len("# HELP ") :])
            elif line.startswith("# TYPE "):
                self.take_type(line[len("# TYPE ") :])
            else:
                self.take_sample(line)
        for metric in self.metrics.values():
            self.check(metric)

    def check(self, metric):
        self.check_name(metric)
        seen = set()
        for suffix, labels, value in metric.samples:
            names = [name for name, _ in labels]
            series = (suffix, tuple(sorted(labels)))
            if series in seen:
                self.problem(f"{metric.name}{suffix}{labels}: twice")
            seen.add(series)
            if len(set(names)) != len(names) or any(name.startswith("__") for name in names):
                self.problem(f"{metric.name}: labels {names}")
            if ("le" in names) != (suffix == "_bucket"):
                self.problem(f"{metric.name}{suffix}: label le")
            if metric.type != "gauge" and value < 0:
                self.problem(f"{metric.name}{suffix}: {value} is negative")
        if len({tuple(n for n, _ in labels if n != "le") for _, labels, _ in metric.samples}) > 1:
            self.problem(f"{metric.name}: samples have different labels")
        if metric.type == "histogram":
            self.check_histogram(metric)

    def check_name(self, metric):
        name, words = metric.name, metric.name.split("_")
        if metric.type is None:
            self.problem(f"{name}: no TYPE")
        if (metric.type == "counter") != name.endswith("_total"):
            self.problem(f"{name}: ends in _total, or does not, as a {metric.type}")
        if name.endswith(("_bucket", "_sum", "_count")) or name != name.lower():
            self.problem(f"{name}: is no name for a metric")
        if WRONG_UNITS & set(words) or {"counter", "gauge", "histogram"} & set(words):
            self.problem(f"{name}: has a unit that is no base unit, or its type")
        last = words[-2] if words[-1] == "total" else words[-1]
        if UNITS & set(words) and last not in UNITS:
            self.problem(f"{name}: the unit is not at its end")
        if metric.type == "histogram" and last not in UNITS:
            self.problem(f"{name}: a histogram without a unit")

    def check_histogram(self, metric):
        series = {}
        for suffix, labels, value in metric.samples:
            key = tuple((name, text) for name, text in labels if name != "le")
            one = series.setdefault(key, {"buckets": []})
            if suffix == "_bucket":
                one["buckets"].append((float(dict(labels).get("le", "NaN")), value))
            else:
                one[suffix] = value
        for key, one in series.items():
            bounds, counts = [b for b, _ in one["buckets"]], [n for _, n in one["buckets"]]
            if bounds != sorted(set(bounds)) or not bounds or bounds[-1] != float("inf"):
                self.problem(f"{metric.name}{key}: bounds {bounds}")
            if counts != sorted(counts) or one.get("_count") != (counts or [None])[-1]:
                self.problem(f"{metric.name}{key}: buckets {counts}, count {one.get('_count')}")
            if "_sum" not in one:
                self.problem(f"{metric.name}{key}: no sum")


def check(data):
    """Lines that say what is wrong."""
    checker = Checker()
    try:
        checker.take(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        checker.problem(str(error))
    if not checker.metrics:
        checker.problem("no metrics")
    promtool = os.environ.get("AGENTHOST_PROMTOOL") or shutil.which("promtool")
    if promtool:
        run = subprocess.run([promtool, "check", "metrics"], input=data, capture_output=True)
        if run.returncode != 0:
            checker.problem(f"promtool: {run.stdout.decode()}{run.stderr.decode()}")
    return checker.problems


if __name__ == "__main__":
    found = check(sys.stdin.buffer.read())
    print("\n".join(found))
    sys.exit(1 if found else 0)
