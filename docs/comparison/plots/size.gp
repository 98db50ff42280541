# SPDX-License-Identifier: Apache-2.0
# Size of what each contender starts from, as it is and compressed.
me = ARG0
if (!exists("term")) {
	do for [term in "svg png"] { load me }
	exit
}
load "common.gp"

stats table using 5 skip 1 nooutput
set title "Size: what each starts from"
set xlabel "MiB"
set xrange [0:STATS_max * 1.15]
set yrange [*:*] reverse
set offsets 0, 0, 0.2, 0.2
set ytics scale 0 noenhanced
set grid noytics
set border 1
set key outside top right horizontal Left reverse samplen 1 width -2
plot table using 5:1:(0):5:($1-0.4):($1-0.02):3:ytic(2) skip 1 \
		with boxxyerror fs solid 1 noborder lc rgb variable notitle, \
	"" using 7:1:(0):7:($1+0.02):($1+0.4):4 skip 1 \
		with boxxyerror fs solid 1 noborder lc rgb variable notitle, \
	"" using 5:($1-0.2):6 skip 1 \
		with labels left offset 0.8,0 font small notitle, \
	"" using 7:($1+0.2):8 skip 1 \
		with labels left offset 0.8,0 font small notitle, \
	NaN with boxes fs solid 1 lc rgb "#555555" title "as it is", \
	NaN with boxes fs solid 1 lc rgb "#bbbbbb" title "compressed by zstd"
unset output
