/*
 * wire.h
 *		What the clients share: PostgreSQL's binary formats, the backend's time
 *		on a core, the position in the WAL.
 */
#ifndef WIRE_H
#define WIRE_H

#include <arpa/inet.h>
#include <libpq-fe.h>
#include <time.h>

#include "vecfile.h"

static inline double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

/* ---- the wire ---- */

static inline size_t
put_u16(char *to, uint16_t value)
{
	value = htons(value);
	memcpy(to, &value, 2);
	return 2;
}

static inline size_t
put_u32(char *to, uint32_t value)
{
	value = htonl(value);
	memcpy(to, &value, 4);
	return 4;
}

/* The type's binary form: int16 dimensions, int16 0, the elements. */
static inline size_t
put_vector(char *to, const float *x, int dims)
{
	char	   *p = to;

	p += put_u16(p, (uint16_t) dims);
	p += put_u16(p, 0);
	for (int d = 0; d < dims; d++)
	{
		uint32_t	bits;

		memcpy(&bits, x + d, 4);
		p += put_u32(p, bits);
	}
	return (size_t) (p - to);
}

static inline size_t
vector_bytes(int dims)
{
	return 4 + 4 * (size_t) dims;
}

static inline void
expect(PGresult *r, PGconn *c, ExecStatusType status, const char *what)
{
	if (PQresultStatus(r) != status)
		vec_die(what, PQerrorMessage(c));
}

typedef struct Sched
{
	double		run,
				wait;
} Sched;

/* A backend's seconds on a core and waiting for one, so far. */
static inline Sched
sched_of(PGconn *c)
{
	char		path[64];
	unsigned long long run;
	unsigned long long wait;
	Sched		s = {0, 0};
	FILE	   *f;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", PQbackendPID(c));
	f = fopen(path, "r");
	if (f == NULL)
		return s;
	if (fscanf(f, "%llu %llu", &run, &wait) == 2)
	{
		s.run = (double) run * 1e-9;
		s.wait = (double) wait * 1e-9;
	}
	fclose(f);
	return s;
}

static inline double
wal_position(PGconn *c)
{
	PGresult   *r = PQexec(c, "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn");
	double		position;

	expect(r, c, PGRES_TUPLES_OK, "WAL position");
	position = atof(PQgetvalue(r, 0, 0));
	PQclear(r);
	return position;
}

#endif							/* WIRE_H */
