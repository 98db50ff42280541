# SPDX-License-Identifier: Apache-2.0
# Loaded by scripts that draw a pair of bars for each line of the table: mean
# and standard deviation, on a log axis. They set the two names and the title.
stats table using 5 skip 1 nooutput name "A"
stats table using 8 skip 1 nooutput name "B"
A_records = exists("A_records") ? A_records : 0
B_records = exists("B_records") ? B_records : 0
low = A_records && B_records ? (A_min < B_min ? A_min : B_min) : \
	A_records ? A_min : B_min
high = A_records && B_records ? (A_max > B_max ? A_max : B_max) : \
	A_records ? A_max : B_max
left = low * 0.5

set xlabel "milliseconds, mean and one standard deviation (log scale)"
set logscale x
set xrange [left:high * 2.5]
set xtics (1)
do for [power=-3:6] {
	do for [digit in "1 2 5"] {
		tic = digit * 10.0**power
		set xtics add (sprintf("%g", tic) tic)
	}
}
set yrange [*:*] reverse
set offsets 0, 0, 0.2, 0.2
set ytics scale 0 noenhanced
set grid noytics
set border 1
set key outside top right horizontal Left reverse samplen 1 width -2

edge(mean, sd) = mean - sd > left ? mean - sd : left
plot table using 5:1:(left):5:($1-0.4):($1-0.02):3:ytic(2) skip 1 \
		with boxxyerror fs solid 1 noborder lc rgb variable notitle, \
	"" using 8:1:(left):8:($1+0.02):($1+0.4):4 skip 1 \
		with boxxyerror fs solid 1 noborder lc rgb variable notitle, \
	"" using 5:($1-0.2):(edge($5,$6)):($5+$6) skip 1 \
		with xerrorbars pt -1 lw 1 lc rgb "#222222" notitle, \
	"" using 8:($1+0.2):(edge($8,$9)):($8+$9) skip 1 \
		with xerrorbars pt -1 lw 1 lc rgb "#222222" notitle, \
	"" using ($5+$6):($1-0.2):7 skip 1 \
		with labels left offset 0.8,0 font small notitle, \
	"" using ($8+$9):($1+0.2):10 skip 1 \
		with labels left offset 0.8,0 font small notitle, \
	for [some=1:A_records > 0] NaN with boxes fs solid 1 noborder \
		lc rgb "#555555" title one, \
	for [some=1:B_records > 0] NaN with boxes fs solid 1 noborder \
		lc rgb "#bbbbbb" title other
