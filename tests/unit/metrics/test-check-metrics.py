#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The checker of metrics finds what is wrong with them. Speaks TAP. Argument: its directory."""
import sys

sys.path.insert(0, sys.argv[1])
from check_metrics import check  # noqa: E402

HISTOGRAM = '''# HELP a_seconds A.
# TYPE a_seconds histogram
a_seconds_bucket{le="0.1"} 1
a_seconds_bucket{le="+Inf"} 3
a_seconds_sum 2.5
a_seconds_count 3
'''
GAUGE = '# HELP a A.\n# TYPE a gauge\na{x="\\"y\\\\\\n{}"} 1\na{x="z"} -2.5\n'
COUNTER = "# HELP a_total A.\n# TYPE a_total counter\na_total 1\n"

GOOD = {"histogram": HISTOGRAM, "gauge": GAUGE, "counter": COUNTER, "all": HISTOGRAM + GAUGE + COUNTER}

BAD = {
    "nothing": "",
    "no end": COUNTER[:-1],
    "no help": COUNTER.replace("# HELP a_total A.\n", ""),
    "empty help": COUNTER.replace(" A.", " "),
    "no type": COUNTER.replace("# TYPE a_total counter\n", ""),
    "another type": COUNTER.replace("counter", "number"),
    "twice": COUNTER + COUNTER,
    "a counter without total": COUNTER.replace("a_total", "a"),
    "a gauge with total": COUNTER.replace("counter", "gauge"),
    "a negative counter": COUNTER.replace("a_total 1", "a_total -1"),
    "two samples": COUNTER + "a_total 2\n",
    "other labels": GAUGE + 'a{y="1"} 1\n',
    "apart": GAUGE + COUNTER + 'a{x="1"} 1\n',
    "no quotes": GAUGE + "a{x=1} 1\n",
    "an unescaped quote": GAUGE + 'a{x="1"2"} 1\n',
    "an unknown escape": GAUGE + 'a{x="\\t"} 1\n',
    "a timestamp": COUNTER.replace("a_total 1", "a_total 1 1700000000000"),
    "no number": COUNTER.replace("a_total 1", "a_total one"),
    "an empty line": COUNTER + "\n",
    "milliseconds": "# HELP a_milliseconds A.\n# TYPE a_milliseconds gauge\na_milliseconds 1\n",
    "a unit amid the name": "# HELP a_seconds_b A.\n# TYPE a_seconds_b gauge\na_seconds_b 1\n",
    "a histogram without a unit": HISTOGRAM.replace("a_seconds", "a"),
    "no infinity": HISTOGRAM.replace('a_seconds_bucket{le="+Inf"} 3\n', ""),
    "buckets that fall": HISTOGRAM.replace('le="0.1"} 1', 'le="0.1"} 4'),
    "another count": HISTOGRAM.replace("count 3", "count 4"),
    "no sum": HISTOGRAM.replace("a_seconds_sum 2.5\n", ""),
    "bounds that fall": HISTOGRAM.replace('a_seconds_bucket{le="+Inf"}', 'a_seconds_bucket{le="0.05"} 2\na_seconds_bucket{le="+Inf"}'),
    "le of a gauge": GAUGE.replace("x=", "le="),
    "no UTF-8": GAUGE.replace("z", "\udcff"),
}


def main():
    number = failed = 0
    for kind, cases in (("good", GOOD), ("bad", BAD)):
        for name, text in cases.items():
            number += 1
            problems = check(text.encode("utf-8", "surrogateescape"))
            ok = bool(problems) == (kind == "bad")
            failed += not ok
            print(f"{'ok' if ok else 'not ok'} {number} {kind}: {name}")
            if not ok:
                print("\n".join(f"# {line}" for line in problems))
    print(f"1..{number}")
    return 1 if failed else 0


sys.exit(main())
