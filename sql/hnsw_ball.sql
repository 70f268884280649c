-- A new version of a row joins the node of the old one; VACUUM and repair.
SET enable_seqscan = off;

CREATE PROCEDURE pg_temp.settle() LANGUAGE plpgsql AS $$
BEGIN
	WHILE EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'autovacuum worker') LOOP
		PERFORM pg_sleep(0.01), pg_stat_clear_snapshot();
	END LOOP;
END $$;

CREATE FUNCTION ball_point(i int, dims int) RETURNS vector LANGUAGE sql IMMUTABLE AS $$
	SELECT array_agg(((hashint4(i * 1009 + d) & 65535) - 32768) / 32768.0 ORDER BY d)::vector
	FROM generate_series(1, dims) d $$;
CREATE FUNCTION ball_moved(v vector, i int, share float8) RETURNS vector LANGUAGE sql IMMUTABLE AS $$
	SELECT v + (SELECT array_agg(share * x) FROM unnest(ball_point(-i, vector_dims(v))::real[]) x)::vector $$;

-- the four metrics, the four kinds of slots
CREATE TABLE ball (id int PRIMARY KEY, note int DEFAULT 0, a vector(3), b vector(40), c vector(150), d vector(400))
	WITH (autovacuum_enabled = off);
INSERT INTO ball (id, a, b, c, d)
SELECT i, ball_point(i, 3), ball_point(i, 40), ball_point(i, 150), ball_point(i, 400) FROM generate_series(1, 300) i;
CREATE INDEX ball_a ON ball USING hnsw (a vector_l2_ops);
CREATE INDEX ball_b ON ball USING hnsw (b vector_l1_ops);
CREATE INDEX ball_c ON ball USING hnsw (c vector_ip_ops);
CREATE INDEX ball_d ON ball USING hnsw (d vector_cosine_ops);
CREATE FUNCTION ball_nodes() RETURNS TABLE (index text, live bigint, rows bigint) LANGUAGE sql AS $$
	SELECT i, c.live, c.rows FROM unnest('{ball_a,ball_b,ball_c,ball_d}'::text[]) i, ruvector.index_check(i::regclass) c $$;
SELECT * FROM ball_nodes();

-- another column: every version joins its node
UPDATE ball SET note = 1;
SELECT * FROM ball_nodes();
-- a small change joins as well, a large one gets a node
UPDATE ball SET b = ball_moved(b, id, 0.1), c = ball_moved(c, id, 0.1), d = ball_moved(d, id, 0.1) WHERE id <= 100;
SELECT * FROM ball_nodes() WHERE index <> 'ball_a';
UPDATE ball SET b = ball_moved(b, id, 0.9), c = ball_moved(c, id, 0.9), d = ball_moved(d, id, 0.9) WHERE id > 250;
SELECT * FROM ball_nodes() WHERE index <> 'ball_a';

-- results are in true order, and the nearest are what a scan of the table finds
CREATE FUNCTION ball_wrong(col text, op text) RETURNS TABLE (disorder bigint, missed bigint) LANGUAGE plpgsql AS $$
DECLARE
	q vector;
	near float8[];
	truth float8[];
	dims int;
BEGIN
	EXECUTE format('SELECT vector_dims(%I) FROM ball LIMIT 1', col) INTO dims;
	disorder := 0;
	missed := 0;
	FOR i IN 1..20 LOOP
		q := ball_point(5000 + i, dims);
		SET LOCAL enable_seqscan = off;
		EXECUTE format('SELECT array_agg(x) FROM (SELECT %1$I %2$s $1 AS x FROM ball ORDER BY %1$I %2$s $1 LIMIT 10) s', col, op)
			INTO near USING q;
		SET LOCAL enable_seqscan = on;
		EXECUTE format('SELECT array_agg(x) FROM (SELECT %1$I %2$s $1 AS x FROM ball ORDER BY (%1$I %2$s $1) + 0 LIMIT 10) s', col, op)
			INTO truth USING q;
		disorder := disorder + (SELECT count(*) FROM generate_subscripts(near, 1) n WHERE near[n] < near[n - 1]);
		missed := missed + (SELECT count(*) FROM unnest(truth) x WHERE x <> ALL (near));
	END LOOP;
	RETURN NEXT;
END $$;
SET hnsw.ef_search = 200;
SELECT * FROM ball_wrong('a', '<->');
SELECT disorder, missed <= 10 AS few_missed FROM ball_wrong('b', '<+>');
SELECT disorder, missed <= 10 AS few_missed FROM ball_wrong('c', '<#>');
SELECT disorder, missed <= 10 AS few_missed FROM ball_wrong('d', '<=>');
-- an older snapshot finds the older versions, among newer ones in the same balls
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT sum(note) FROM ball;
SELECT id FROM ball ORDER BY d <=> (SELECT d FROM ball WHERE id = 42) LIMIT 1;
COMMIT;

-- VACUUM takes the rows out of the balls, not the nodes from the graph
CALL pg_temp.settle();
VACUUM ball;
SELECT * FROM ball_nodes() WHERE index <> 'ball_a';
SELECT disorder, missed <= 10 AS few_missed FROM ball_wrong('d', '<=>');

-- repair moves the drifted; then there is nothing left to move
SELECT moved, relinked, remaining FROM ruvector.index_repair('ball_d', 10);
SELECT moved, relinked, remaining FROM ruvector.index_repair('ball_d');
SELECT moved, relinked, remaining FROM ruvector.index_repair('ball_d');
SELECT moved BETWEEN 90 AND 110 AS moved FROM ruvector.index_repair('ball_b');
SELECT moved BETWEEN 90 AND 110 AS moved FROM ruvector.index_repair('ball_c');
SELECT * FROM ball_nodes() WHERE index <> 'ball_a';
SELECT disorder, missed <= 10 AS few_missed FROM ball_wrong('b', '<+>');
SELECT disorder, missed <= 10 AS few_missed FROM ball_wrong('c', '<#>');
SELECT disorder, missed <= 10 AS few_missed FROM ball_wrong('d', '<=>');

-- a ball that is full is rid of what the heap has pruned, or a node is added
DO $$ BEGIN FOR i IN 1..40 LOOP UPDATE ball SET note = i, d = ball_moved(d, i, 0.002) WHERE id = 7; END LOOP; END $$;
SELECT id FROM ball ORDER BY d <=> (SELECT d FROM ball WHERE id = 7) LIMIT 1;
BEGIN;
UPDATE ball SET d = ball_moved(d, 1, 0.1) WHERE id = 8;
ROLLBACK;
SELECT id FROM ball ORDER BY d <=> (SELECT d FROM ball WHERE id = 8) LIMIT 1;
SELECT orphans FROM ruvector.index_check('ball_d');

-- thresholds
ALTER INDEX ball_d SET (reinsert = 0);
SELECT live FROM ball_nodes() WHERE index = 'ball_d' \gset before_
UPDATE ball SET d = ball_moved(d, id, 0.01) WHERE id BETWEEN 101 AND 110;
SELECT live - :before_live AS more FROM ball_nodes() WHERE index = 'ball_d';
ALTER INDEX ball_d SET (reinsert = 0.5, soft_update = 0.4);
SELECT live FROM ball_nodes() WHERE index = 'ball_d' \gset before_
UPDATE ball SET d = ball_moved(d, -id, 0.3) WHERE id BETWEEN 111 AND 120;
SELECT live - :before_live AS more FROM ball_nodes() WHERE index = 'ball_d';
SELECT moved FROM ruvector.index_repair('ball_d');
ALTER INDEX ball_d SET (soft_update = 2);
ALTER INDEX ball_d SET (reinsert = -1);

-- an expression's value is computed with the owner's rights
CREATE ROLE ball_owner;
GRANT CREATE ON SCHEMA public TO ball_owner;
SET ROLE ball_owner;
CREATE FUNCTION ball_code(v vector) RETURNS vector LANGUAGE plpgsql IMMUTABLE AS
	$$ BEGIN IF current_user <> 'ball_owner' THEN RAISE EXCEPTION 'called by %', current_user; END IF; RETURN v; END $$;
CREATE TABLE ball_expression (id int PRIMARY KEY, v vector(40));
INSERT INTO ball_expression SELECT i, ball_point(i, 40) FROM generate_series(1, 50) i;
CREATE INDEX ball_e ON ball_expression USING hnsw ((ball_code(v)::vector(40)) vector_l2_ops);
UPDATE ball_expression SET v = ball_moved(v, id, 0.1) WHERE id <= 5;
SELECT moved FROM ruvector.index_repair('ball_e', 2);
SELECT ruvector.index_repair('ball_d');
RESET ROLE;
SELECT moved FROM ruvector.index_repair('ball_e');

-- old versions, which a node left behind, do not use up the budget
SELECT remaining FROM ruvector.index_repair('ball_c');
UPDATE ball SET c = ball_moved(c, id + 900, 0.1) WHERE id BETWEEN 201 AND 220;
SELECT moved FROM ruvector.index_repair('ball_c', 10);
SELECT moved FROM ruvector.index_repair('ball_c', 10);
SELECT moved FROM ruvector.index_repair('ball_c', 10);

-- of few nodes the nearest, whatever the balls reach to; strict order leaves out no
-- row whose ball reaches back to what was returned before
CREATE FUNCTION ball_hits(rows int, step int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	hits bigint := 0;
	near int[];
	truth int[];
	q vector;
BEGIN
	FOR i IN 1..30 LOOP
		q := ball_moved((SELECT b FROM ball WHERE id = i * 3), i + 7000, 0.2);
		SET LOCAL enable_seqscan = off;
		near := ARRAY(SELECT id FROM ball WHERE id % step = 0 ORDER BY b <-> q LIMIT rows);
		SET LOCAL enable_seqscan = on;
		truth := ARRAY(SELECT id FROM ball WHERE id % step = 0 ORDER BY (b <-> q) + 0 LIMIT rows);
		hits := hits + (SELECT count(*) FROM unnest(near) id WHERE id = ANY (truth));
	END LOOP;
	RETURN hits;
END $$;
CREATE INDEX ball_l2 ON ball USING hnsw (b vector_l2_ops);
UPDATE ball SET b = ball_moved(b, id + 500, 0.1) WHERE id % 2 = 0;
SET hnsw.ef_search = 10;
SELECT ball_hits(10, 1) > 250 AS most_of_300;
SET hnsw.iterative_scan = strict_order;
SELECT ball_hits(10, 5) > 250 AS most_of_300;
RESET hnsw.iterative_scan;
SET hnsw.ef_search = 200;
DROP INDEX ball_l2;
DROP FUNCTION ball_hits;

-- errors
SELECT ruvector.index_repair('ball');
SELECT ruvector.index_repair('ball_pkey');
SELECT ruvector.index_repair('ball_d', -1);
SELECT ruvector.index_repair(NULL);

DROP TABLE ball, ball_expression;
DROP FUNCTION ball_code, ball_nodes, ball_wrong, ball_moved, ball_point;
REVOKE CREATE ON SCHEMA public FROM ball_owner;
DROP ROLE ball_owner;
