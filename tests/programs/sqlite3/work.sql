-- SPDX-License-Identifier: Apache-2.0
.headers on
PRAGMA journal_mode;
CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT UNIQUE, size REAL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
INSERT INTO item SELECT i, 'name ' || i, (i * 7919 % 10007) / 8.0 FROM n;
CREATE INDEX item_size ON item(size);
SELECT count(*), sum(size), max(name) FROM item;
SELECT name, size FROM item WHERE size BETWEEN 100 AND 100.5 ORDER BY size;
BEGIN;
DELETE FROM item WHERE id % 2;
SELECT count(*) FROM item;
ROLLBACK;
SELECT count(*) FROM item;
BEGIN;
UPDATE item SET size = size * 2 WHERE id <= 100;
SAVEPOINT inner_one;
DELETE FROM item;
ROLLBACK TO inner_one;
COMMIT;
SELECT sum(size) FROM item WHERE id <= 100;
CREATE TABLE ref(item INTEGER REFERENCES item(id));
PRAGMA foreign_keys = ON;
INSERT INTO ref VALUES (999999);
CREATE VIRTUAL TABLE doc USING fts5(body);
INSERT INTO doc VALUES ('the quick brown fox'), ('the lazy dog');
SELECT body FROM doc WHERE doc MATCH 'quick OR lazy' ORDER BY rank, body;
SELECT json_extract('{"a":[1,{"b":2}]}', '$.a[1].b'), datetime(0, 'unixepoch');
SELECT name, rank() OVER (ORDER BY size DESC) FROM item LIMIT 3;
PRAGMA journal_mode = WAL;
INSERT INTO ref SELECT id FROM item WHERE id % 100 = 0;
PRAGMA wal_checkpoint(TRUNCATE);
SELECT count(*) FROM ref;
VACUUM;
PRAGMA integrity_check;
PRAGMA page_count;
ATTACH '/tmp/other.db' AS other;
CREATE TABLE other.copy AS SELECT * FROM item WHERE id < 10;
SELECT count(*) FROM other.copy;
.backup main /tmp/backup.db
ATTACH '/tmp/backup.db' AS back;
SELECT count(*) FROM back.item;
PRAGMA mmap_size = 1048576;
SELECT sum(length(name)) FROM item;
