# SPDX-License-Identifier: Apache-2.0
# Memory of one instance among many, in parts: private, shared with the
# others, and the kernel's share. A panel for each program.
me = ARG0
if (!exists("term")) {
	do for [term in "svg png"] { load me }
	exit
}
load "common.gp"

set border 1
set xlabel "MiB, each of many"
set ytics scale 0 noenhanced
set grid noytics
set tmargin 4
set bmargin 6
set key noautotitle horizontal maxcols 3 width -1 Left reverse samplen 1 noenhanced
set key at screen 0.6, screen 0.05 center

stats table using 1 skip 1 nooutput name "R"
array most[2]
do for [panel=1:2] {
	stats table using 4 * panel + 4 skip 1 nooutput name "M"
	most[panel] = exists("M_records") && M_records > 0 ? M_max : 0
	undefine M_*
}
both = most[1] > 0 && most[2] > 0
set yrange [R_max + 0.6:-0.6]
set multiplot
do for [panel=1:2] {
	if (most[panel] > 0) {
		second = both && panel == 2
		set lmargin at screen second ? 0.65 : 0.23
		set rmargin at screen both && panel == 1 ? 0.60 : 0.97
		set title panel == 1 ? "Node.js, Hello World" : \
			"Go, Serverless Unikernels!"
		set xrange [0:most[panel] * 1.25]
		c = 4 * panel + 2
		if (second) {
			unset ytics
		}
		if (both && panel == 1) {
			set key off
		} else {
			set key on
		}
		plot for [names=second:0] table using (0):1:ytic(2) skip 1 \
				with points pt -1, \
			table using c+2:1:(0):c+2:($1-0.36):($1+0.36):5 \
				skip 1 with boxxyerror fs solid 1 noborder \
				lc rgb variable, \
			"" using c+1:1:(0):c+1:($1-0.36):($1+0.36):4 \
				skip 1 with boxxyerror fs solid 1 noborder \
				lc rgb variable, \
			"" using c:1:(0):c:($1-0.36):($1+0.36):3 \
				skip 1 with boxxyerror fs solid 1 noborder \
				lc rgb variable, \
			"" using c+2:1:c+3 skip 1 \
				with labels left offset 0.8,0 font small, \
			NaN with boxes fs solid 1 lc rgb "#555555" \
				title "private", \
			NaN with boxes fs solid 1 lc rgb "#a2a2a2" \
				title "shared", \
			NaN with boxes fs solid 1 lc rgb "#dddddd" \
				title "kernel"
	}
}
unset multiplot
unset output
