# SPDX-License-Identifier: Apache-2.0
# Time to the first byte: a pair of bars for each contender, hot and cold.
me = ARG0
if (!exists("term")) {
	do for [term in "svg png"] { load me }
	exit
}
load "common.gp"

one = "hot"
other = "cold"
set title "Start to first byte: ".program
load "pairs.gp"
unset output
