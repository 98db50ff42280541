# SPDX-License-Identifier: Apache-2.0
# Directories with a Dockerfile, built and run as a user would: FROM scratch,
# with and without mayfly.yaml beside it, and one that cannot be followed.
# test: once
# test: timeout 180
# test: no-san
. "$LIB"

mkdir tmp app
export TMPDIR="$TMP/tmp" XDG_CACHE_HOME="$TMP/cache"

cp "$PROGS/http-epoll.musl" app/server
cp /bin/busybox app
cat >app/Dockerfile <<'END'
FROM scratch
COPY server /bin/server
COPY busybox /bin/busybox
ENV COLOUR=blue
WORKDIR /srv
EXPOSE 8080
ENTRYPOINT ["server"]
CMD ["8080"]
END
expect_status 0 "$MAYFLY" build ./app
[ ! -s err ] || fail "building says $(cat err)"
expect_match '^sha256:[0-9a-f]{64}  app\.img ' out
digest=$(cut -d ' ' -f 1 out)
cp -r app elsewhere
expect_status 0 "$MAYFLY" build ./elsewhere
[ "$(cut -d ' ' -f 1 out)" = "$digest" ] || fail "another digest"
"$MAYFLY" inspect app.img >listing
expect_match '^ports +8080/tcp$' listing
expect_match '^cwd +/srv$' listing
port=$(free_port)
start -p "$port:8080" app.img
wait_port "$port"
python3 "$SRC/tests/http_load.py" "$port" 'epoll says hello' -n 20
kill -TERM "$PID"
wait "$PID" || true

# ---- mayfly.yaml beside it ---------------------------------------------------
# prints TEXT ARGS...: what the app prints when run with ARGS
prints() {
	text=$1
	shift
	expect_status 0 run "$@"
	[ "$(cat out)" = "$text" ] || fail "$* prints $(cat out)"
}
sed -i 's/^ENTRYPOINT.*/ENTRYPOINT ["busybox", "echo"]/
	s/^CMD.*/CMD ["a", "b"]/' app/Dockerfile
prints 'a b' ./app
prints 'c' ./app c
echo 'args: [d, e]' >app/mayfly.yaml
prints 'd e' ./app
prints 'd e c' ./app c
echo 'command: [busybox, echo, f]' >app/mayfly.yaml
prints 'f' ./app
prints 'f c' ./app c
rm app/mayfly.yaml

# ---- what goes wrong ---------------------------------------------------------
mkdir fails
cat >fails/Dockerfile <<'END'
FROM scratch
COPY missing /x
END
expect_status 1 "$MAYFLY" build ./fails -o bad.img
expect_match 'missing": .*no such file' err
expect_match '^buildah could not follow Dockerfile and ended with status 1' err
expect_match '^mayfly: the builder dockerfile failed with status 1; noth' err
cp app/busybox fails
# buildah can lose what is written just before the end.
cat >fails/Dockerfile <<'END'
FROM scratch
COPY busybox /bin/sh
RUN echo this is the output; while [ ${#i} -lt 9999 ]; do i=x$i; done; exit 7
END
expect_status 1 "$MAYFLY" build ./fails -o bad.img
expect_match '^this is the output$' err
expect_match '^Error: .*RUN echo this is the output.*exit status 7$' err
expect_status 125 run ./fails
expect_match '^this is the output$' err
printf 'FROM 127.0.0.1:1/nothing:1\n' >fails/Dockerfile
expect_status 1 "$MAYFLY" build ./fails -o bad.img
expect_match 'connection refused' err
[ ! -e bad.img ] || fail "left bad.img"
[ -z "$(ls "$TMPDIR")" ] || fail "left in TMPDIR: $(ls "$TMPDIR")"
