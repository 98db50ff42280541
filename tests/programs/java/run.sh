# SPDX-License-Identifier: Apache-2.0
# Debian's OpenJDK with its default flags: a web server, then a program that
# leans on what the virtual machine wants of signals and memory.
# test: program OpenJDK
# test: version /usr/lib/jvm/java-17-openjdk-amd64/bin/java -version
# test: timeout 240
# test: full
. "$SRC/tests/programs/lib.sh"

JAVA_HOME=/usr/lib/jvm/java-17-openjdk-amd64
JAVA=$JAVA_HOME/bin/java

client() {
	url=http://127.0.0.1:$PORT
	for path in / /garbage /null /garbage /none; do
		curl -s -S -m 30 -w '%{http_code} %{content_type}\n' "$url$path"
	done
	curl -s -S -m 30 -d 'some text' "$url/echo"
}

echo 'from stdin' >in
seal "$JAVA" --add "$JAVA_HOME/lib" --add "$JAVA_HOME/conf" \
	--add /etc/java-17-openjdk --add "$OUT/classes:/app/classes"

part 'com.sun.net.httpserver with a pool of threads, garbage collected'
NPORT=$(free_port)
serve_native "$JAVA" -cp "$OUT/classes" Server "$NPORT"
serve_guest 8080 prog.img -cp /app/classes Server 8080
both client
load 'Hello from Java' -n 1000 -c 8
load 'Hello from Java' -n 200 -c 4 --close
both client
stop_both TERM

part 'hot loop under System.gc(), NullPointerException, StackOverflowError'
native env WORD=yes "$JAVA" -cp "$OUT/classes" Work an argument <in
guest -e WORD=yes prog.img -cp /app/classes Work an argument <in
agree

part 'ProcessBuilder fails with an IOException'
expect_match '^ProcessBuilder: ' guest.err

part 'the other collectors: G1, Parallel, Shenandoah, Z'
for name in G1 Parallel Shenandoah Z; do
	native "$JAVA" "-XX:+Use${name}GC" -cp "$OUT/classes" Work collect
	guest prog.img "-XX:+Use${name}GC" -cp /app/classes Work collect
	agree
done
