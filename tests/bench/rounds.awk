# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the tables have in common, which are made of lines "ROUND OUTPUT WHOSE KIND NAME VALUE". The program that follows
# sets output, and others where that has another name. A ratio is taken within each round, as what else the machine does
# differs from round to round; then the median of the ratios. Rounds in which others took more than CALM percent of the
# machine do not count, unless there is no other.

BEGIN { CALM = 15; others = "others_percent" }

$2 == output {
        value[$1, $3, $4, $5] = $6
        all[$1]
        if ($5 == others && $6 > CALM)
                disturbed[$1]
}

function choose_rounds(    n_all, n_calm, r) {
        for (r in all) {
                n_all++
                if (!(r in disturbed)) {
                        n_calm++
                        rounds[r]
                }
        }
        if (n_calm == 0)
                for (r in all)
                        rounds[r]
        if (n_calm < n_all)
                printf "(In %u of %u rounds others took more than %u %% of the machine: %s.)\n", n_all - n_calm, n_all,
                        CALM, n_calm ? "they are left out" : "rates and times say little"
}

# Sorts the first n of list.
function sort(list, n,    i, j, swap) {
        for (i = 2; i <= n; i++)
                for (j = i; j > 1 && list[j - 1] > list[j]; j--) {
                        swap = list[j]; list[j] = list[j - 1]; list[j - 1] = swap
                }
}

function middle(list, n) {
        sort(list, n)
        return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
}

function median(whose, kind, name,    list, n, r) {
        n = 0
        for (r in rounds)
                list[++n] = value[r, whose, kind, name]
        return middle(list, n)
}

function ratio(kind, name,    list, n, r) {
        n = 0
        for (r in rounds)
                list[++n] = value[r, "ours", kind, name] / value[r, "bare", kind, name]
        return middle(list, n)
}

function line(title, kind, name, format, limit) {
        printf "%-34s %9s %9s   %5.2f  %s\n", title, sprintf(format, median("bare", kind, name)),
                sprintf(format, median("ours", kind, name)), ratio(kind, name), limit
}

# What only ours has.
function cost(title, kind, name) {
        printf "%-34s %9s %9.0f\n", title, "", median("ours", kind, name)
}
