# SPDX-License-Identifier: Apache-2.0
# How long the next start takes when so many instances run already. Each line
# ends where there were no more.
me = ARG0
if (!exists("term")) {
	do for [term in "svg png"] { load me }
	exit
}
load "common.gp"
load "lines.gp"

set title "Start to first byte, beside other instances: ".program
set xlabel "number of the instance (log scale)"
set ylabel "milliseconds, median of neighbours (log scale)"
set logscale xy
set xrange [1:*]
set autoscale xfixmax
set key outside right top Left reverse samplen 2 spacing 1.2
plot for [i=1:blocks] table index i-1 using 1:2 with lines lw thickness \
	lc rgb shade[i] dt dash[i] title columnheader(1)
unset output
