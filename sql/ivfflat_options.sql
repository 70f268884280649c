-- Options of the ivfflat index and its settings; what CREATE INDEX refuses.

CREATE FUNCTION pg_temp.try(statement text, OUT code text, OUT answer text)
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, answer = MESSAGE_TEXT;
END $$;

CREATE TABLE ivf_option (id int PRIMARY KEY, v vector(3), free vector, one vector(1), wide vector(2001), w2000 vector(2000));
-- with its detail and hint
CREATE INDEX ivf_option_little ON ivf_option USING ivfflat (v);
SET client_min_messages = warning;
DROP INDEX ivf_option_little;
SELECT what, (pg_temp.try(format('CREATE INDEX ivf_try ON ivf_option USING ivfflat %s', what))).*
FROM unnest(ARRAY['(v) WITH (lists = 0)', '(v) WITH (lists = 32769)', '(v) WITH (m = 16)', '(free)', '(wide)', '(v, v)',
	'(one vector_ip_ops)', '(one vector_cosine_ops)', '(id)', '(v) INCLUDE (id)', '(v vector_l1_ops)']) what;
SELECT (pg_temp.try('CREATE UNIQUE INDEX ivf_try ON ivf_option USING ivfflat (v)')).*;
CREATE INDEX ivf_option_one ON ivf_option USING ivfflat (one) WITH (lists = 1);
CREATE INDEX ivf_option_2000 ON ivf_option USING ivfflat (w2000) WITH (lists = 2);
INSERT INTO ivf_option (id, w2000) SELECT i, array_fill(i, ARRAY[2000]) FROM generate_series(1, 5) i;
SET enable_seqscan = off;
SET ivfflat.probes = 2;
SELECT id FROM ivf_option ORDER BY w2000 <-> array_fill(4.2, ARRAY[2000])::vector LIMIT 3;
RESET ivfflat.probes;

-- more lists than maintenance_work_mem holds
INSERT INTO ivf_option (id, v) SELECT i, ARRAY[i, i % 7, 1] FROM generate_series(101, 3000) i;
SET maintenance_work_mem = '1MB';
SELECT code, regexp_replace(answer, '[0-9]+', 'N') AS answer
FROM pg_temp.try('CREATE INDEX ivf_option_memory ON ivf_option USING ivfflat (w2000) WITH (lists = 2000)');
-- lists that fit, with a sort that does not
CREATE INDEX ivf_option_memory ON ivf_option USING ivfflat (v) WITH (lists = 5);
RESET maintenance_work_mem;
SET ivfflat.probes = 5;
SELECT count(*) FROM (SELECT id FROM ivf_option ORDER BY v <-> '[1,1,1]') s;
DROP INDEX ivf_option_memory;

-- a changed option is the next build's
CREATE INDEX ivf_option_v ON ivf_option USING ivfflat (v) WITH (lists = 5);
ALTER INDEX ivf_option_v SET (lists = 0);
ALTER INDEX ivf_option_v SET (lists = 50);
SELECT count(*) FROM (SELECT id FROM ivf_option ORDER BY v <-> '[1,1,1]') s;
REINDEX INDEX ivf_option_v;
SELECT count(*) < 2900 AS fewer FROM (SELECT id FROM ivf_option ORDER BY v <-> '[1,1,1]') s;

-- expression, part of a table
CREATE INDEX ivf_option_part ON ivf_option USING ivfflat ((free::vector(2))) WITH (lists = 1) WHERE id > 4000;
INSERT INTO ivf_option (id, free) VALUES (3999, '[1,1]'), (4001, '[1,2]'), (4002, '[7,7]');
EXPLAIN (COSTS OFF) SELECT id FROM ivf_option WHERE id > 4000 ORDER BY free::vector(2) <-> '[1,1]';
SELECT id FROM ivf_option WHERE id > 4000 ORDER BY free::vector(2) <-> '[1,1]';
INSERT INTO ivf_option (id, free) VALUES (4003, '[1,2,3]');

-- settings
RESET ivfflat.probes;
SHOW ivfflat.probes;
SET ivfflat.probes = 0;
SET ivfflat.probes = 32769;
SHOW ivfflat.iterative_scan;
SET ivfflat.iterative_scan = strict_order;
SHOW ivfflat.max_probes;
SET ivfflat.max_probes = 0;
SET ivfflat.unknown = 1;

-- properties of the access method, its index and its column
SELECT p, pg_indexam_has_property(oid, p) FROM pg_am,
	unnest(ARRAY['can_order', 'can_unique', 'can_multi_col', 'can_exclude', 'can_include']) p WHERE amname = 'ivfflat';
SELECT p, pg_index_has_property('ivf_option_v', p), pg_index_column_has_property('ivf_option_v', 1, c)
FROM unnest(ARRAY['clusterable', 'index_scan', 'bitmap_scan', 'backward_scan'], ARRAY['orderable', 'distance_orderable', 'returnable', 'search_nulls']) u (p, c);
SELECT opcname, opcdefault, amvalidate(o.oid) FROM pg_opclass o JOIN pg_am a ON a.oid = opcmethod WHERE amname = 'ivfflat' ORDER BY 1;

-- without an order it is no way to read a table
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT v FROM ivf_option;
-- an operator class of somebody's own, and one that cannot be
CREATE OPERATOR CLASS ivf_own FOR TYPE vector USING ivfflat AS OPERATOR 1 <+> (vector, vector) FOR ORDER BY float_ops, FUNCTION 1 l1_distance(vector, vector);
CREATE INDEX ivf_option_own ON ivf_option USING ivfflat (v ivf_own);
CREATE OPERATOR CLASS ivf_bad FOR TYPE vector USING ivfflat AS OPERATOR 1 <-> (vector, vector) FOR ORDER BY float_ops, FUNCTION 2 vector_norm(vector);
SELECT amvalidate(oid) FROM pg_opclass WHERE opcname = 'ivf_bad';
DROP OPERATOR FAMILY ivf_own USING ivfflat;
DROP OPERATOR FAMILY ivf_bad USING ivfflat;
DROP TABLE ivf_option;
