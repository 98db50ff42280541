# SPDX-License-Identifier: Apache-2.0
# rewrite-same.sh with every program of the abi layer.
# test: full
# test: no-san
# test: timeout 600
PROGRAMS=$(find "$BUILD/tests/abi" -type f -perm -u+x | sort)
. "$SRC/tests/e2e/rewrite-same.sh"
