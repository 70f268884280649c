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

CREATE FUNCTION deltavec_typanalyze(internal) RETURNS boolean
	AS 'MODULE_PATHNAME', 'rvd_deltavec_typanalyze'
	LANGUAGE C STRICT;

COMMENT ON FUNCTION deltavec_typanalyze(internal) IS 'leaves a column out of ANALYZE';

-- Out of line if long; what can be compressed is so already.
CREATE TYPE deltavec (
	INPUT     = deltavec_in,
	OUTPUT    = deltavec_out,
	RECEIVE   = deltavec_recv,
	SEND      = deltavec_send,
	ANALYZE   = deltavec_typanalyze,
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

CREATE FUNCTION delta_create(vector) RETURNS deltavec
	AS 'MODULE_PATHNAME', 'rvd_delta_create'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION delta_create(vector) IS 'whatever was before, this vector';

CREATE FUNCTION delta_delete() RETURNS deltavec
	AS 'MODULE_PATHNAME', 'rvd_delta_delete'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION delta_delete() IS 'whatever was before, no vector';

CREATE FUNCTION delta_dense(vector) RETURNS deltavec
	AS 'MODULE_PATHNAME', 'rvd_delta_dense'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION delta_dense(vector) IS 'assign all dimensions';

CREATE FUNCTION delta_sparse(dimensions integer[], new_values real[], dims integer) RETURNS deltavec
	AS 'MODULE_PATHNAME', 'rvd_delta_sparse'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION delta_sparse(integer[], real[], integer) IS 'assign some dimensions, counted from 1';

CREATE FUNCTION delta_scale(real) RETURNS deltavec
	AS 'MODULE_PATHNAME', 'rvd_delta_scale'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION delta_scale(real) IS 'multiply every dimension';

CREATE FUNCTION delta_offset(real) RETURNS deltavec
	AS 'MODULE_PATHNAME', 'rvd_delta_offset'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION delta_offset(real) IS 'add to every dimension';

-- a base that is NULL does not exist
CREATE FUNCTION delta_invert(deltavec, base vector) RETURNS deltavec
	AS 'MODULE_PATHNAME', 'rvd_delta_invert'
	LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE;

COMMENT ON FUNCTION delta_invert(deltavec, vector) IS 'change that leads back to the base';

-- using one

-- a vector that is NULL does not exist
CREATE FUNCTION delta_apply(vector, deltavec) RETURNS vector
	AS 'MODULE_PATHNAME', 'rvd_delta_apply'
	LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE;

COMMENT ON FUNCTION delta_apply(vector, deltavec) IS 'the vector after a change';

CREATE FUNCTION delta_conflict(deltavec, deltavec) RETURNS boolean
	AS 'MODULE_PATHNAME', 'rvd_delta_conflict'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION delta_conflict(deltavec, deltavec) IS 'does it matter which of two changes comes first, or wins?';

CREATE FUNCTION delta_kind(deltavec) RETURNS text
	AS 'MODULE_PATHNAME', 'rvd_delta_kind'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION delta_kind(deltavec) IS 'create, sparse, dense, scale, offset, affine, identity or delete';

CREATE FUNCTION delta_is_identity(deltavec) RETURNS boolean
	AS 'MODULE_PATHNAME', 'rvd_delta_is_identity'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION delta_is_identity(deltavec) IS 'does it change nothing?';

CREATE FUNCTION delta_dims(deltavec) RETURNS integer
	AS 'MODULE_PATHNAME', 'rvd_delta_dims'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION delta_dims(deltavec) IS 'number of dimensions of its vectors, NULL if any';

CREATE FUNCTION delta_changed(deltavec) RETURNS integer
	AS 'MODULE_PATHNAME', 'rvd_delta_changed'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION delta_changed(deltavec) IS 'number of dimensions that it may change';

CREATE FUNCTION delta_dimensions(deltavec) RETURNS integer[]
	AS 'MODULE_PATHNAME', 'rvd_delta_dimensions'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION delta_dimensions(deltavec) IS 'dimensions that it may change, counted from 1';

CREATE FUNCTION delta_norm(deltavec, base vector) RETURNS float8
	AS 'MODULE_PATHNAME', 'rvd_delta_norm'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION delta_norm(deltavec, vector) IS 'Euclidean distance by which it moves the base';

CREATE FUNCTION delta_bytes(deltavec) RETURNS integer
	AS 'MODULE_PATHNAME', 'rvd_delta_bytes'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION delta_bytes(deltavec) IS 'size of its frame';

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

CREATE FUNCTION deltavec_eq(deltavec, deltavec) RETURNS bool
	AS 'MODULE_PATHNAME', 'rvd_deltavec_eq'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION deltavec_eq(deltavec, deltavec) IS 'implementation of = operator';

CREATE FUNCTION deltavec_ne(deltavec, deltavec) RETURNS bool
	AS 'MODULE_PATHNAME', 'rvd_deltavec_ne'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION deltavec_ne(deltavec, deltavec) IS 'implementation of <> operator';

CREATE OPERATOR = (
	LEFTARG = deltavec, RIGHTARG = deltavec, PROCEDURE = deltavec_eq,
	COMMUTATOR = = , NEGATOR = <> ,
	RESTRICT = eqsel, JOIN = eqjoinsel,
	HASHES
);

COMMENT ON OPERATOR = (deltavec, deltavec) IS 'the same change, bit for bit';

CREATE OPERATOR <> (
	LEFTARG = deltavec, RIGHTARG = deltavec, PROCEDURE = deltavec_ne,
	COMMUTATOR = <> , NEGATOR = = ,
	RESTRICT = neqsel, JOIN = neqjoinsel
);

COMMENT ON OPERATOR <> (deltavec, deltavec) IS 'not the same change';

CREATE FUNCTION deltavec_hash(deltavec) RETURNS int4
	AS 'MODULE_PATHNAME', 'rvd_deltavec_hash'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION deltavec_hash(deltavec) IS 'hash';

CREATE FUNCTION deltavec_hash_extended(deltavec, int8) RETURNS int8
	AS 'MODULE_PATHNAME', 'rvd_deltavec_hash_extended'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION deltavec_hash_extended(deltavec, int8) IS 'hash';

-- There is no order among changes, hence no btree class.
CREATE OPERATOR CLASS deltavec_ops
	DEFAULT FOR TYPE deltavec USING hash AS
	OPERATOR 1 = ,
	FUNCTION 1 deltavec_hash(deltavec),
	FUNCTION 2 deltavec_hash_extended(deltavec, int8);

-- aggregate

CREATE FUNCTION deltavec_compose_step(internal, deltavec) RETURNS internal
	AS 'MODULE_PATHNAME', 'rvd_deltavec_compose_step'
	LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE;

COMMENT ON FUNCTION deltavec_compose_step(internal, deltavec) IS 'aggregate transition function';

CREATE FUNCTION deltavec_compose_final(internal) RETURNS deltavec
	AS 'MODULE_PATHNAME', 'rvd_deltavec_compose_final'
	LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE;

COMMENT ON FUNCTION deltavec_compose_final(internal) IS 'aggregate final function';

-- Order matters, so there is no combine function; give an ORDER BY.
CREATE AGGREGATE delta_compose(deltavec) (
	SFUNC = deltavec_compose_step,
	STYPE = internal,
	FINALFUNC = deltavec_compose_final,
	PARALLEL = SAFE
);

COMMENT ON AGGREGATE delta_compose(deltavec) IS 'all changes, one after the other in the order of input, as one';

-- casts

CREATE FUNCTION deltavec(bytea) RETURNS deltavec
	AS 'MODULE_PATHNAME', 'rvd_bytea_to_deltavec'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

COMMENT ON FUNCTION deltavec(bytea) IS 'the frame as a deltavec, checked';

CREATE CAST (bytea AS deltavec) WITH FUNCTION deltavec(bytea);

CREATE CAST (deltavec AS bytea) WITH FUNCTION deltavec_send(deltavec);

CREATE CAST (vector AS deltavec) WITH FUNCTION delta_create(vector);

-- for the layers above

CREATE FUNCTION ruvector.whole(vector) RETURNS deltavec
	AS 'MODULE_PATHNAME', 'rvd_whole'
	LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE;

COMMENT ON FUNCTION ruvector.whole(vector) IS 'creation of this vector, or deletion for NULL';
