# SPDX-License-Identifier: Apache-2.0
# Debian's sqlite3 on a database in a file.
# test: program SQLite
# test: version sqlite3 --version
. "$SRC/tests/programs/lib.sh"

seal /usr/bin/sqlite3
part 'a database file: transactions, indexes, FTS5, WAL, VACUUM, backup'
sed "s,/tmp/,$PWD/tmp/," "$HERE/work.sql" >native.sql
native sqlite3 tmp/test.db <native.sql
guest prog.img /tmp/test.db <"$HERE/work.sql"
agree
expect_match '^Runtime error near line [0-9]+: FOREIGN KEY' guest.err
cmp native.err guest.err
