# SPDX-License-Identifier: Apache-2.0
# Layers become the tree that a container of the image would see, or are
# refused with a sentence; nothing gets outside of the tree. The cases are in
# oci-layers.py. Once more as an ordinary user, if root runs this.
# test: once
# test: timeout 120
. "$LIB"

UNPACK="$(dirname "$MAYFLY")/mayfly-unpack"
export UNPACK
export PYTHONPATH="$SRC/tests" PYTHONDONTWRITEBYTECODE=1
python3 "$SRC/tests/e2e/oci-layers.py"
[ "$(id -u)" = 0 ] || exit 0

# Our own programs may be where only root can read.
mkdir user
cp -L "$UNPACK" "$SRC/tests/oci_make.py" "$SRC/tests/oci_check.py" \
	"$SRC/tests/e2e/oci-layers.py" user
chmod 755 user
chmod 755 .
chown 65534:65534 user
cd user
UNPACK="$PWD/mayfly-unpack" PYTHONPATH="$PWD" HOME="$PWD"
export UNPACK
setpriv --reuid=65534 --regid=65534 --clear-groups python3 oci-layers.py
