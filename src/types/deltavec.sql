-- deltavec: a change to a vector as a value.  None of this is in pgvector.

-- type

CREATE TYPE deltavec;

CREATE FUNCTION deltavec_in(cstring) RETURNS deltavec
	AS 'MODULE_PATHNAME', 'rvd_deltavec_in'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION deltavec_in(cstring) IS 'I/O';

CREATE FUNCTION deltavec_out(deltavec) RETURNS cstring
	AS 'MODULE_PATHNAME', 'rvd_deltavec_out'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION deltavec_out(deltavec) IS 'I/O';

CREATE FUNCTION deltavec_recv(internal) RETURNS deltavec
	AS 'MODULE_PATHNAME', 'rvd_deltavec_recv'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION deltavec_recv(internal) IS 'I/O';

CREATE FUNCTION deltavec_send(deltavec) RETURNS bytea
	AS 'MODULE_PATHNAME', 'rvd_deltavec_send'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION deltavec_send(deltavec) IS 'I/O';

-- Out of line if long; what can be compressed is so already.
CREATE TYPE deltavec (
	INPUT     = deltavec_in,
	OUTPUT    = deltavec_out,
	RECEIVE   = deltavec_recv,
	SEND      = deltavec_send,
	STORAGE   = external
);

COMMENT ON TYPE deltavec IS 'change to a vector';

-- making one

-- NULL is a vector that does not exist
CREATE FUNCTION delta_between(old vector, new vector, epsilon real DEFAULT 0, codec text DEFAULT NULL)
	RETURNS deltavec
	AS 'MODULE_PATHNAME', 'rvd_between'
	LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE;

COMMENT ON FUNCTION delta_between(vector, vector, real, text) IS 'change that leads from one vector to another';

-- operators

CREATE FUNCTION deltavec_add(vector, deltavec) RETURNS vector
	AS 'MODULE_PATHNAME', 'rvd_deltavec_add'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION deltavec_add(vector, deltavec) IS 'implementation of + operator';

CREATE OPERATOR + (
	LEFTARG = vector, RIGHTARG = deltavec, PROCEDURE = deltavec_add
);

COMMENT ON OPERATOR + (vector, deltavec) IS 'apply a change';

CREATE FUNCTION deltavec_concat(deltavec, deltavec) RETURNS deltavec
	AS 'MODULE_PATHNAME', 'rvd_deltavec_concat'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION deltavec_concat(deltavec, deltavec) IS 'implementation of || operator';

CREATE OPERATOR || (
	LEFTARG = deltavec, RIGHTARG = deltavec, PROCEDURE = deltavec_concat
);

COMMENT ON OPERATOR || (deltavec, deltavec) IS 'compose two changes, the left one first';

-- casts

CREATE FUNCTION deltavec(bytea) RETURNS deltavec
	AS 'MODULE_PATHNAME', 'rvd_bytea_to_deltavec'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION deltavec(bytea) IS 'the frame as a deltavec, checked';

CREATE CAST (bytea AS deltavec) WITH FUNCTION deltavec(bytea);

CREATE CAST (deltavec AS bytea) WITH FUNCTION deltavec_send(deltavec);

-- for the layers above

CREATE FUNCTION ruvector.whole(vector) RETURNS deltavec
	AS 'MODULE_PATHNAME', 'rvd_whole'
	LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE;

COMMENT ON FUNCTION ruvector.whole(vector) IS 'creation of this vector, or deletion for NULL';
