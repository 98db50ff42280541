# SPDX-License-Identifier: Apache-2.0
# Loaded by scripts that draw a line for each block of the table: how many
# there are, the colour and the dash of each. No range may be set before.
stats table using 1 nooutput
blocks = STATS_blocks
array shade[blocks]
array dash[blocks]
do for [i=1:blocks] {
	stats table index i-1 using 3 nooutput
	shade[i] = int(STATS_max)
	stats table index i-1 using 4 nooutput
	dash[i] = int(STATS_max)
}
