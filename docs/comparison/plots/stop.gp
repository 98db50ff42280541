# SPDX-License-Identifier: Apache-2.0
# Time to end an instance: a pair of bars for each contender, one a program.
me = ARG0
if (!exists("term")) {
	do for [term in "svg png"] { load me }
	exit
}
load "common.gp"

one = "Node.js"
other = "Go"
set title "Stop: from the first signal until nothing is left"
load "pairs.gp"
unset output
