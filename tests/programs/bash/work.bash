# SPDX-License-Identifier: Apache-2.0
# Everything here is done by bash itself.
declare -A size=([a]=1 [b]=22 [c]=333)
list=("$@" last)
echo "${#list[@]} ${list[1]} ${list[-1]}"
for k in a b c; do
	printf '%s=%05d ' "$k" "${size[$k]}"
done
echo
sum=0
for ((i = 0; i < 20000; i++)); do
	((sum += i * i % 7))
done
echo "sum $sum"
[[ "key=some value" =~ ^([a-z]+)=(.*)$ ]] && echo "${BASH_REMATCH[2]^^}"
cd "${TMPDIR:-/tmp}" || exit
for n in {1..200}; do
	echo "line $n" >>bash.test
done
mapfile -t lines <bash.test
echo "${#lines[@]} ${lines[99]}"
files=(bash.t*)
echo "${files[*]}"
trap 'echo "leaving"' EXIT
trap 'echo "caught"' USR1
kill -USR1 $$
read -r first <<<"here string"
echo "$first ${first#here } ${#first} ${first//e/E}"
factorial() {
	local n=$1
	((n < 2)) && { REPLY=1; return; }
	factorial $((n - 1))
	((REPLY *= n))
}
factorial 20
echo "$REPLY"
exit 4
