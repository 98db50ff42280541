# SPDX-License-Identifier: Apache-2.0
# Over time, while all serve the same requests: the memory that is held, or the
# processor time used so far. The marks below are the requests.
me = ARG0
if (!exists("term")) {
	do for [term in "svg png"] { load me }
	exit
}
load "common.gp"
load "lines.gp"
stats table using 2 nooutput
top = STATS_max > 0 ? STATS_max : 1

memory = strstrt(name, "memory")
set title (memory ? "Memory" : "Processor time").", same requests: ".program
set xlabel "seconds"
set ylabel memory ? "MiB" : "cpu-seconds so far"
set xrange [0:*]
set autoscale xfixmax
set yrange [-0.07 * top:1.05 * top]
set key outside right top Left reverse samplen 2 spacing 1.2
plot for [i=1:blocks-1] table index i-1 using 1:2 \
		with lines lw thickness lc rgb shade[i] dt dash[i] \
		title columnheader(1), \
	table index blocks-1 using 1:(-0.055 * top):(0):(0.035 * top) \
		with vectors nohead lw 1 lc rgb shade[blocks] \
		title columnheader(1)
unset output
