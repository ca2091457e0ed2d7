# SPDX-License-Identifier: GPL-3.0-or-later
#
# awk -v json=FILE -f report.awk GOALS RESULTS
#
# Prints the table and writes the same as JSON.  RESULTS has tab-separated
# lines:
#
#	fact	KEY	VALUE
#	figure	GROUP/NAME	ROUND	NODES	WALL	CPU	PEAK
#	absent	GROUP/NAME	WHAT

function sort(list, n,    i, j, value) {
	for (i = 2; i <= n; i++) {
		value = list[i]
		for (j = i - 1; j >= 1 && list[j] > value; j--)
			list[j + 1] = list[j]
		list[j + 1] = value
	}
}

# Sets least, middle and most.
function spread(list, n) {
	sort(list, n)
	least = list[1]
	most = list[n]
	middle = n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
}

function smallest(names, kind, round,    parts, n, i, key, best) {
	n = split(names, parts, " ")
	best = ""
	for (i = 1; i <= n; i++) {
		key = parts[i] SUBSEP kind SUBSEP round
		if (key in figure && (best == "" || figure[key] < best))
			best = figure[key]
	}
	return best
}

function missing(names,    parts, n, i, answer) {
	n = split(names, parts, " ")
	for (i = 1; i <= n; i++)
		if (parts[i] in absent)
			answer = absent[parts[i]]
	return answer
}

function known(names,    parts, n, i) {
	n = split(names, parts, " ")
	for (i = 1; i <= n; i++)
		if (parts[i] in rounds)
			return 1
	return 0
}

function is_met(value, goal,    parts) {
	split(goal, parts, " ")
	return parts[1] == "<=" ? value <= parts[2] + 0 : value >= parts[2] + 0
}

function number(value) {
	return sprintf(value >= 100 ? "%.0f" : value >= 10 ? "%.1f" : "%.3f", \
		value)
}

function quoted(text) {
	gsub(/\\/, "\\\\", text)
	gsub(/"/, "\\\"", text)
	gsub(/[[:cntrl:]]/, " ", text)
	return "\"" text "\""
}

function spread_json() {
	return sprintf("{\"min\": %.6g, \"median\": %.6g, \"max\": %.6g}", \
		least, middle, most)
}

function item(text) {
	printf "%s\n    %s", comma, text > json
	comma = ","
}

# The ratio of each round that has both; n_ratios of them.
function find_ratios(above, below, kind,    round, a, b) {
	n_ratios = 0
	for (round = 1; round <= rounds[above]; round++) {
		a = smallest(above, kind, round)
		b = below == "" ? 1e6 / 1024 : smallest(below, kind, round)
		if (a != "" && b != "")
			ratios[++n_ratios] = a / b
	}
}

function print_comparison(i,    verdict, gone) {
	gone = missing(above[i] " " below[i])
	if (!known(above[i]) || (below[i] != "" && !known(below[i]))) {
		if (gone == "")
			return
		printf "%-4s %-55s absent (%s)\n", label[i], measure[i], gone
		item(sprintf("{\"number\": %s, \"measure\": %s, \"goal\": %s," \
			" \"absent\": %s}", quoted(label[i]), \
			quoted(measure[i]), quoted(goal[i]), quoted(gone)))
		return
	}
	find_ratios(above[i], below[i], kind[i])
	spread(ratios, n_ratios)
	verdict = goal[i] == "" || "quick" in value ? "" : \
		is_met(middle, goal[i]) ? "met" : "NOT MET"
	printf "%-4s %-55s %7s  %7s … %-7s %-8s %-7s %s\n", label[i], \
		measure[i], number(middle), number(least), number(most), \
		goal[i], verdict, extra[i]
	item(sprintf("{\"number\": %s, \"measure\": %s, \"ratio\": %s," \
		" \"rounds\": %d, \"goal\": %s, \"met\": %s}", \
		quoted(label[i]), quoted(measure[i]), spread_json(), \
		n_ratios, goal[i] == "" ? "null" : quoted(goal[i]), \
		verdict == "" ? "null" : verdict == "met" ? "true" : "false"))
}

function collect(name, kind, scale,    round) {
	for (round = 1; round <= rounds[name]; round++)
		list[round] = figure[name, kind, round] * scale
	spread(list, rounds[name])
}

function print_figures(name,    wall, text) {
	collect(name, "time", 1e6)
	text = sprintf("%-24s %7d %6d %10s %10s %10s", name, nodes[name], \
		rounds[name], number(least), number(middle), number(most))
	wall = spread_json()
	collect(name, "cpu", 1e6)
	text = text sprintf(" %10s", number(middle))
	wall = wall ", \"cpuMicroseconds\": " spread_json()
	collect(name, "peak", 1024 / 1e6)
	print text sprintf(" %8s", number(middle))
	item(sprintf("{\"contestant\": %s, \"nodes\": %d, \"rounds\": %d," \
		" \"wallMicroseconds\": %s, \"peakMegabytes\": %s}", \
		quoted(name), nodes[name], rounds[name], wall, spread_json()))
}

BEGIN { FS = "|" }

FNR == NR && !/^(#|$)/ {
	n_goals++
	label[n_goals] = $1
	measure[n_goals] = $2
	above[n_goals] = $3
	below[n_goals] = $4
	kind[n_goals] = $5
	goal[n_goals] = $6
	extra[n_goals] = $7
}

FNR == NR { next }

{ split($0, field, "\t") }

field[1] == "fact" {
	facts[++n_facts] = field[2]
	value[field[2]] = field[3]
}

field[1] == "absent" && !(field[2] in absent) {
	absent[field[2]] = field[3]
	gone[++n_gone] = field[2]
}

field[1] == "figure" {
	name = field[2]
	if (!(name in rounds))
		names[++n_names] = name
	rounds[name] = field[3]
	nodes[name] = field[4]
	figure[name, "time", field[3]] = field[5] / field[4]
	figure[name, "cpu", field[3]] = field[6] / field[4]
	figure[name, "peak", field[3]] = field[7]
}

END {
	print "{\n  \"facts\": {" > json
	for (i = 1; i <= n_facts; i++) {
		printf "%-10s %s\n", facts[i], value[facts[i]]
		printf "    %s: %s%s\n", quoted(facts[i]), \
			quoted(value[facts[i]]), i < n_facts ? "," : "" > json
	}
	printf "  },\n  \"comparisons\": [" > json
	printf "\n%-4s %-55s %7s  %17s %-8s\n", "goal", \
		"measure", "median", "min … max      ", "wanted"
	for (i = 1; i <= n_goals; i++)
		print_comparison(i)
	printf "\n  ],\n  \"times\": [" > json
	comma = ""
	printf "\nper node, microseconds%37s%30s%11s %8s\n", "wall:", "", \
		"cpu:", "peak:"
	printf "%-24s %7s %6s %10s %10s %10s %10s %8s\n", "contestant", \
		"nodes", "rounds", "min", "median", "max", "median", "MB"
	for (i = 1; i <= n_names; i++)
		print_figures(names[i])
	printf "\n  ],\n  \"absent\": [" > json
	comma = ""
	for (i = 1; i <= n_gone; i++) {
		printf "%-24s absent (%s)\n", gone[i], absent[gone[i]]
		item(sprintf("{\"contestant\": %s, \"needs\": %s}", \
			quoted(gone[i]), quoted(absent[gone[i]])))
	}
	print "\n  ]\n}" > json
}
