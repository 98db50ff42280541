# SPDX-License-Identifier: Apache-2.0
# Every example, run from its directory as it stands, answers over HTTP.
# test: no-san
# test: once
# test: timeout 600
. "$LIB"
. "$SRC/tests/builders.sh"

substrates='process kvm'
[ -w /dev/kvm ] || substrates=process

# answers NAME PORT PATH TEXT: the example, or the file, listens on PORT; what
# the first substrate builds the second one finds
answers() {
	# shellcheck disable=SC2034 # start uses it
	for SUBSTRATE in $substrates; do
		answers_here "$@"
	done
}

answers_here() {
	source=$SRC/examples/$1
	[ ! -f "$1" ] || source=$1
	port=$(free_port)
	start -p "127.0.0.1:$port:$2" "$source"
	# The first start of an example builds it.
	wait_port "$port" 120
	curl -sS --max-time 20 "http://127.0.0.1:$port$3" >answer ||
		fail "$1 does not answer: $(cat start.err)"
	[ "$(cat answer)" = "$4" ] ||
		fail "$1 answers: $(cat answer)"
	kill -TERM "$PID"
	got=0
	wait "$PID" || got=$?
	case $got in
	0 | 143) ;;
	*) fail "$1 ends with $got: $(cat start.err)" ;;
	esac
}

answers hello-c 8080 / 'Hello from Mayfly!'
answers threads-c 8080 / 'Request 1'
answers zerg 8080 /nowhere 'There is only /'
answers hello-go 8080 / 'Serverless Unikernels!'
answers hello-rust 8080 / 'Hello from Rust!'
answers threads-cxx 8080 /a/b/a 'a 2
b 1'
answers cgo-go 8080 /pear/apple/fig 'apple fig pear'
answers dynamic-rust 8080 /localhost 'localhost is 127.0.0.1'
answers workers-node 8003 /1000000 '78498 primes below 1000000'
answers hello-node 8002 / 'Hello World'
answers hello-express 3000 /users/you '{"name":"you"}'
answers hello-python 8000 / 'Hello from Python!'
answers asyncio-python 8000 '/a?pause=0.1' \
	'{"path": "/a", "query": {"pause": "0.1"}}'

# The file that the README writes.
sed -n '/^\$ cat > hello.go/,/^\$ build/p' "$SRC/README.md" | sed '1d; $d' \
	>hello.go
answers "$TMP/hello.go" 8080 /a/vm 'Hello from /a/vm'

# None is left out.
for example in "$SRC"/examples/*/; do
	name=$(basename "$example")
	grep -q "^answers $name " "$0" || fail "$name is not tried"
done
