# SPDX-License-Identifier: Apache-2.0
# The builder rust: packages, workspaces, single files, and mistakes.
# test: once
# test: no-san
# test: timeout 300
. "$LIB"
. "$SRC/tests/builders.sh"

expect_detected rust "$SRC/examples/hello-rust"
expect_built rust "$SRC/examples/hello-rust" '"args": \["/bin/hello-rust"\]'
! readelf -l tree/rootfs/bin/hello-rust | grep -q INTERP || fail "it is dynamic"
[ ! -e "$SRC/examples/hello-rust/target" ] || fail "it built in the source"

# A file.
echo 'fn main() { println!("{}", file!()); }' >tool.rs
expect_detected rust tool.rs
expect_built rust tool.rs '"/bin/tool"'
./tree/rootfs/bin/tool >ran
expect_match '^tool.rs$' ran

# A package that says itself how the C library is linked.
cp -r "$SRC/examples/hello-rust" dynamic
mkdir dynamic/.cargo
cat >dynamic/.cargo/config.toml <<'END'
[target.x86_64-unknown-linux-gnu]
rustflags = ["-C", "target-feature=-crt-static"]
END
if [ ! -d "$(rustc --print sysroot)/lib/rustlib/x86_64-unknown-linux-musl" ]
then
	expect_built rust dynamic '"/bin/hello-rust"'
	readelf -l tree/rootfs/bin/hello-rust | grep -q INTERP ||
		fail "it is static"
fi

# A workspace with a library, a build script, and no Cargo.lock: none is made.
mkdir -p space/dep/src space/serve/src
printf '[workspace]\nmembers = ["dep", "serve"]\n' >space/Cargo.toml
cat >space/dep/Cargo.toml <<'END'
[package]
name = "dep"
version = "0.1.0"
edition = "2021"
END
cat >space/dep/src/lib.rs <<'END'
pub fn place() -> &'static str { std::panic::Location::caller().file() }
include!(concat!(env!("OUT_DIR"), "/made.rs"));
END
cat >space/dep/build.rs <<'END'
fn main() {
    let out = std::env::var("OUT_DIR").unwrap();
    std::fs::write(out + "/made.rs",
        "pub fn made() -> &'static str { file!() }").unwrap();
}
END
cat >space/serve/Cargo.toml <<'END'
[package]
name = "serve"
version = "0.1.0"
edition = "2021"

[dependencies]
dep = { path = "../dep" }
END
cat >space/serve/src/main.rs <<'END'
fn main() { println!("{} {}", dep::place(), dep::made().len() > 0); }
END
expect_built rust space '"/bin/serve"'
./tree/rootfs/bin/serve >ran
expect_match '^dep/src/lib.rs true$' ran

# Two programs: as told, or as the manifest tells.
mkdir space/serve/src/bin
cp space/serve/src/main.rs space/serve/src/bin/other.rs
expect_failed rust space 'several programs \(.*\) and none is called space'
export MAYFLY_ENTRY=other
expect_built rust space '"/bin/other"'
unset MAYFLY_ENTRY
sed -i 's/^version.*/&\ndefault-run = "other"/' space/serve/Cargo.toml
expect_built rust space '"/bin/other"'

# Mistakes: of the compiler, of the manifest, of the lock file.
echo 'fn main() { missing() }' >space/serve/src/bin/other.rs
expect_failed rust space 'cannot find function `missing`'
echo 'nonsense' >>space/serve/Cargo.toml
expect_failed rust space 'Cargo.toml'
cp -r "$SRC/examples/hello-rust" locked
sed -i 's/0\.1\.0/0.2.0/' locked/Cargo.toml
expect_failed rust locked 'lock file'
mkdir -p empty/src
printf '[package]\nname = "empty"\nversion = "0.1.0"\n' >empty/Cargo.toml
echo >empty/src/lib.rs
expect_failed rust empty 'has no program'
expect_status 1 "$BUILDERS/rust/detect" "$SRC/examples/hello-c"
