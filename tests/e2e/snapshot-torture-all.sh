# SPDX-License-Identifier: Apache-2.0
# As snapshot-torture.sh, at every single step.
# test: full
# test: no-san
# test: timeout 600
STEPS=100000
. "$SRC/tests/e2e/snapshot-torture.sh"
