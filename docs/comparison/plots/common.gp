# SPDX-License-Identifier: Apache-2.0
# What all plots have in common. Each script sets `me`, its own file name, and
# `term`, svg or png, before it loads this.
reset
name = me[1:strlen(me) - 3]
table = name.".tsv"
program = name[strlen(name) - 3:] eq "node" ? \
	"Node.js, Hello World" : "Go, Serverless Unikernels!"
if (term eq "svg") {
	set terminal svg size 900,540 font "sans-serif,13" background "white"
	small = ",11"
} else {
	set terminal pngcairo size 900,540 font "DejaVu Sans,10"
	small = ",9"
}
set output name.".".term
set datafile separator tab
set datafile missing "NaN"
set border 3 lw 1 lc rgb "#666666"
set tics nomirror out scale 0.5 textcolor rgb "#333333"
set grid lc rgb "#dddddd" lt 1 lw 0.7
set title font ",14" noenhanced
set key noenhanced
thickness = 2
