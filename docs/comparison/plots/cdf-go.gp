# SPDX-License-Identifier: Apache-2.0
# The share of hot starts that had answered by then, a line each.
me = ARG0
if (!exists("term")) {
	do for [term in "svg png"] { load me }
	exit
}
load "common.gp"
load "lines.gp"

set title "Start to first byte, hot, every sample: ".program
set xlabel "milliseconds (log scale)"
set ylabel "share of the starts that had answered"
set logscale x
set yrange [0:1.02]
set ytics 0.25
set key outside right top Left reverse samplen 2 spacing 1.2
plot for [i=1:blocks] table index i-1 using 1:2 with steps lw thickness \
	lc rgb shade[i] dt dash[i] title columnheader(1)
unset output
