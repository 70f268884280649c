/*
 * replay.c
 *		A libpq client that plays a stream of changing vectors into tables.
 *
 *	replay dims= events= watch=CONNINFO [from=] [count=] [turn=]
 *		[checkpoint=] [vacuum=] [fold=] [transaction=] [normalise=]
 *		[tell=] TARGET...
 *
 * TARGET is label=WAY:TABLE:CONNINFO; WAY is update, which sends the whole
 * vector, lazy, the same to a lazy column, or apply, which sends a delta.
 * The file is that of history.py.  Each target has a connection, and they
 * take turns, `turn` events at a time, so that all meet the same hours of the
 * machine.  Every event is a transaction of one prepared statement, its
 * parameters binary; with transaction=1 a turn is one transaction.
 *
 * normalise=1 gives every vector the length 1.  A delta is then the factor
 * that the old dimensions change by, and the new ones.
 *
 * tell=1 says who makes each change, and tags the end of each year.
 *
 * Prints a JSON object for every target and turn: the number, the backend's
 * seconds on a core and the bytes of WAL of updates, of other events, and of
 * what is done after every turn: VACUUM, and ruvector.fold_all where fold=
 * turns have passed (0: only after the last).  CHECKPOINT is nobody's; it
 * comes before the first turn, or with checkpoint=1 before each.
 */
#define _GNU_SOURCE
#include <math.h>
#include <stdbool.h>

#include "vecfile.h"
#include "wire.h"

#define MAX_TARGETS 16
#define EVENT_HEAD 19			/* bytes before an event's pairs */
#define EVENT_PAIR 6

typedef enum Kind
{
	KIND_CREATE,
	KIND_UPDATE,
	KIND_DELETE
} Kind;

typedef struct Event
{
	uint32_t	document;
	uint32_t	author;
	time_t		time;
	Kind		kind;
	int			count;
	const unsigned char *pairs;
} Event;

typedef struct Stream
{
	unsigned char *bytes;
	Event	   *event;
	long		n;
	long		documents;
} Stream;

typedef enum Work
{
	WORK_UPDATES,
	WORK_OTHERS,
	WORK_VACUUM,
	WORK_FOLD,
	WORK_COUNT
} Work;

static const char *const work_name[WORK_COUNT] = {"updates", "others",
												  "vacuum", "fold"};

/* Of one turn. */
typedef struct Sums
{
	long		n[WORK_COUNT];
	double		cpu[WORK_COUNT];
	double		wal[WORK_COUNT];
} Sums;

typedef struct Target
{
	const char *label;
	bool		applies;
	bool		is_lazy;
	const char *table;
	PGconn	   *c;
	float	   *vector;			/* documents * dims: what this target has */
	Sums		sums;
	Sched		before;
	double		wal_before;
} Target;

static int	dims;
static bool normalised;
static bool tells;
static char *buffer;
static float *scaled;
static PGconn *watch;

/* ---- the file ---- */

static uint32_t
u32_at(const unsigned char *p)
{
	uint32_t	value;

	memcpy(&value, p, 4);
	return value;
}

static int
u16_at(const unsigned char *p)
{
	return p[0] | p[1] << 8;
}

static void
read_events(const char *path, Stream *s)
{
	FILE	   *f = fopen(path, "rb");
	long		size;
	long		room = 0;

	if (f == NULL || fseek(f, 0, SEEK_END) != 0 || (size = ftell(f)) < 0)
		vec_die(path, "cannot be read");
	rewind(f);
	s->bytes = vec_alloc((size_t) size);
	if (fread(s->bytes, 1, (size_t) size, f) != (size_t) size)
		vec_die(path, "cannot be read");
	fclose(f);
	for (long at = 0; at < size; s->n++)
	{
		const unsigned char *p = s->bytes + at;
		Event	   *e;

		if (s->n == room)
		{
			room = room * 2 + 1024;
			s->event = realloc(s->event, (size_t) room * sizeof(Event));
			if (s->event == NULL)
				vec_die("memory", "exhausted");
		}
		if (at + EVENT_HEAD > size)
			vec_die(path, "ends within an event");
		e = &s->event[s->n];
		e->document = u32_at(p);
		e->author = u32_at(p + 4);
		e->time = (time_t) ((uint64_t) u32_at(p + 12) << 32 | u32_at(p + 8));
		e->kind = (Kind) p[16];
		e->count = u16_at(p + 17);
		e->pairs = p + EVENT_HEAD;
		at += EVENT_HEAD + (long) EVENT_PAIR * e->count;
		if (at > size)
			vec_die(path, "ends within an event");
		if (e->document >= s->documents)
			s->documents = (long) e->document + 1;
	}
}

static void
take_event(float *x, const Event *e)
{
	if (e->kind == KIND_CREATE)
		memset(x, 0, sizeof(float) * (size_t) dims);
	for (int i = 0; i < e->count; i++)
	{
		const unsigned char *p = e->pairs + i * EVENT_PAIR;

		if (u16_at(p) >= dims)
			vec_die("events", "a dimension beyond the last");
		memcpy(x + u16_at(p), p + 2, 4);
	}
}

/* ---- the server ---- */

static void
prepare(PGconn *c, const char *name, const char *form, const char *table)
{
	char		sql[512];
	PGresult   *r;

	snprintf(sql, sizeof(sql), form, table, dims);
	r = PQprepare(c, name, sql, 0, NULL);
	expect(r, c, PGRES_COMMAND_OK, sql);
	PQclear(r);
}

static void
open_target(Target *t, char *text, long documents)
{
	char	   *way = strchr(text, '=');
	char	   *table = way ? strchr(way, ':') : NULL;
	char	   *conn = table ? strchr(table + 1, ':') : NULL;

	if (conn == NULL)
		vec_die(text, "should be label=WAY:TABLE:CONNINFO");
	*way++ = *table++ = *conn++ = '\0';
	t->label = text;
	t->applies = strcmp(way, "apply") == 0;
	t->is_lazy = t->applies || strcmp(way, "lazy") == 0;
	t->table = table;
	t->vector = vec_alloc((size_t) (documents * dims) * sizeof(float));
	t->c = PQconnectdb(conn);
	if (PQstatus(t->c) != CONNECTION_OK)
		vec_die("connect", PQerrorMessage(t->c));
	prepare(t->c, "0", "INSERT INTO %s (id, embedding) VALUES ($1, $2)", table);
	if (t->applies)
		prepare(t->c, "1",
				normalised ? "SELECT ruvector.apply('%s', $1::int4, "
							 "delta_scale($4) || delta_sparse($2, $3, %d))" :
							 "SELECT ruvector.apply('%s', $1::int4, "
							 "delta_sparse($2, $3, %d))",
				table);
	else
		prepare(t->c, "1", "UPDATE %s SET embedding = $2 WHERE id = $1", table);
	prepare(t->c, "2", "DELETE FROM %s WHERE id = $1", table);
}

static void
command(PGconn *c, const char *form, const char *table)
{
	char		sql[128];
	PGresult   *r;

	snprintf(sql, sizeof(sql), form, table);
	r = PQexec(c, sql);
	expect(r, c, PGRES_COMMAND_OK, sql);
	PQclear(r);
}

/* The binary form of an array without nulls: its head, before the elements. */
static size_t
put_array_head(char *to, uint32_t type, int n)
{
	char	   *p = to;

	p += put_u32(p, 1);
	p += put_u32(p, 0);
	p += put_u32(p, type);
	p += put_u32(p, (uint32_t) n);
	p += put_u32(p, 1);
	return (size_t) (p - to);
}

static size_t
put_element(char *to, uint32_t value)
{
	put_u32(to, 4);
	put_u32(to + 4, value);
	return 8;
}

#define INT4 23
#define FLOAT4 700

static double
norm_of(const float *x)
{
	double		sum = 0;

	for (int d = 0; d < dims; d++)
		sum += (double) x[d] * (double) x[d];
	return normalised && sum > 0 ? sqrt(sum) : 1;
}

/* The event's dimensions and values as two arrays. */
static void
put_delta(const Event *e, const float *x, double norm, int *lengths,
		  const char **values)
{
	char	   *p = buffer + put_array_head(buffer, INT4, e->count);

	for (int i = 0; i < e->count; i++)
		p += put_element(p, (uint32_t) u16_at(e->pairs + i * EVENT_PAIR) + 1);
	lengths[0] = (int) (p - buffer);
	values[0] = buffer;
	values[1] = p;
	p += put_array_head(p, FLOAT4, e->count);
	for (int i = 0; i < e->count; i++)
	{
		float		value = x[u16_at(e->pairs + i * EVENT_PAIR)];
		uint32_t	bits;

		if (normalised)
			value = (float) ((double) value / norm);
		memcpy(&bits, &value, 4);
		p += put_element(p, bits);
	}
	lengths[1] = (int) (p - values[1]);
}

static void
put_whole(const float *x, double norm, int *length)
{
	for (int d = 0; normalised && d < dims; d++)
		scaled[d] = (float) ((double) x[d] / norm);
	*length = (int) put_vector(buffer, normalised ? scaled : x, dims);
}

/* x is the vector after the event, old_norm its length before. */
static void
send_event(Target *t, const Event *e, const float *x, double old_norm)
{
	static const char *const name[] = {"0", "1", "2"};
	bool		applies = e->kind == KIND_UPDATE && t->applies;
	char		id[4];
	char		factor[4];
	const char *values[4] = {id, buffer, buffer, factor};
	int			lengths[4] = {4, 0, 0, 4},
				formats[4] = {1, 1, 1, 1},
				n = e->kind == KIND_DELETE ? 1 : 2;
	double		norm = norm_of(x);
	PGresult   *r;

	put_u32(id, e->document);
	if (applies)
	{
		float		f = (float) (old_norm / norm);
		uint32_t	bits;

		memcpy(&bits, &f, 4);
		put_u32(factor, bits);
		put_delta(e, x, norm, lengths + 1, values + 1);
		n = normalised ? 4 : 3;
	}
	else
		put_whole(x, norm, &lengths[1]);
	r = PQexecPrepared(t->c, name[e->kind], n, values, lengths, formats, 1);
	expect(r, t->c, applies ? PGRES_TUPLES_OK : PGRES_COMMAND_OK, t->label);
	if (!applies && strcmp(PQcmdTuples(r), "1") != 0)
		vec_die(t->label, "an event did not meet exactly one row");
	PQclear(r);
}

static void
mark(Target *t)
{
	t->before = sched_of(t->c);
	t->wal_before = wal_position(watch);
}

/*
 * Books what was done since the last mark.  A backend that waits for its next
 * statement, a moment later, has had its time counted.
 */
static void
book(Target *t, Work work, long n)
{
	struct timespec moment = {0, 100000};
	Sched		before = t->before;
	double		wal_before = t->wal_before;

	nanosleep(&moment, NULL);
	mark(t);
	t->sums.n[work] += n;
	t->sums.cpu[work] += t->before.run - before.run;
	t->sums.wal[work] += t->wal_before - wal_before;
}

static int
year_of(const Event *e)
{
	struct tm broken;

	return gmtime_r(&e->time, &broken) == NULL ? 0 : broken.tm_year + 1900;
}

/* What the server cannot know: the author of event i, the end of a year. */
static void
tell(Target *t, const Stream *s, long i)
{
	const Event *e = &s->event[i];
	char		sql[128];

	if (i > 0 && year_of(e) != year_of(e - 1))
	{
		snprintf(sql, sizeof(sql), "DO $$ BEGIN PERFORM ruvector.tag('%d'); END $$",
				 year_of(e - 1));
		command(t->c, "%s", sql);
	}
	if (i == 0 || e->author != (e - 1)->author)
	{
		snprintf(sql, sizeof(sql), "author %u", e->author);
		command(t->c, "SET ruvector.actor = '%s'", sql);
	}
}

/* The WAL's position is asked for only where the kind of event changes. */
static void
play(Target *t, const Stream *s, long from, long to, bool in_transaction)
{
	long		n = 0;

	if (in_transaction)
		command(t->c, "BEGIN%s", "");
	memset(&t->sums, 0, sizeof(t->sums));
	mark(t);
	for (long i = from; i < to; i++)
	{
		const Event *e = &s->event[i];
		Work		work = e->kind == KIND_UPDATE ? WORK_UPDATES : WORK_OTHERS;
		float	   *x = t->vector + (long) e->document * dims;
		double		old_norm = norm_of(x);

		if (tells)
			tell(t, s, i);
		take_event(x, e);
		send_event(t, e, x, old_norm);
		n++;
		if (i + 1 == to || (s->event[i + 1].kind != KIND_UPDATE) != (work == WORK_OTHERS))
		{
			book(t, work, n);
			n = 0;
		}
	}
	if (in_transaction)
		command(t->c, "COMMIT%s", "");
}

static void
after_turn(Target *t, bool vacuum, bool fold)
{
	char		sql[128];
	PGresult   *r;

	mark(t);
	if (fold && t->is_lazy)
	{
		snprintf(sql, sizeof(sql), "SELECT ruvector.fold_all('%s')", t->table);
		r = PQexec(t->c, sql);
		expect(r, t->c, PGRES_TUPLES_OK, sql);
		book(t, WORK_FOLD, atol(PQgetvalue(r, 0, 0)));
		PQclear(r);
	}
	if (vacuum)
	{
		command(t->c, "VACUUM %s", t->table);
		book(t, WORK_VACUUM, 1);
	}
}

static void
report(const Target *t, long from)
{
	const Sums *s = &t->sums;

	printf("{\"target\":\"%s\",\"from\":%ld", t->label, from);
	for (int i = 0; i < WORK_COUNT; i++)
		printf(",\"%s\":{\"n\":%ld,\"cpu\":%.6f,\"wal\":%.0f}",
			   work_name[i], s->n[i], s->cpu[i], s->wal[i]);
	printf("}\n");
	fflush(stdout);
}

static int	arg_count;
static char **arg_list;

static const char *
arg(const char *key, const char *otherwise)
{
	size_t		n = strlen(key);

	for (int i = 1; i < arg_count; i++)
		if (strncmp(arg_list[i], key, n) == 0 && arg_list[i][n] == '=')
			return arg_list[i] + n + 1;
	if (otherwise == NULL)
		vec_die(key, "this argument is needed");
	return otherwise;
}

static bool
is_set(const char *key, const char *otherwise)
{
	return atoi(arg(key, otherwise)) != 0;
}

static PGconn *
open_watch(void)
{
	PGconn	   *c = PQconnectdb(arg("watch", NULL));

	if (PQstatus(c) != CONNECTION_OK)
		vec_die("connect", PQerrorMessage(c));
	return c;
}

int
main(int argc, char **argv)
{
	static Stream s;
	static Target target[MAX_TARGETS];
	int			n = 0;
	long		from,
				to,
				turn,
				fold,
				turns = 0;

	arg_count = argc;
	arg_list = argv;
	dims = atoi(arg("dims", NULL));
	normalised = is_set("normalise", "0");
	tells = is_set("tell", "0");
	read_events(arg("events", NULL), &s);
	from = atol(arg("from", "0"));
	to = atol(arg("count", "0"));
	to = to > 0 && from + to < s.n ? from + to : s.n;
	turn = atol(arg("turn", "1000"));
	fold = atol(arg("fold", "0"));
	buffer = vec_alloc((size_t) (dims + 8) * 16);
	scaled = vec_alloc((size_t) dims * sizeof(float));
	watch = open_watch();
	for (int i = 1; i < argc; i++)
	{
		if (strchr(argv[i], ':') == NULL)
			continue;
		if (n == MAX_TARGETS)
			vec_die("targets", "too many");
		open_target(&target[n], argv[i], s.documents);
		n++;
	}
	for (int i = 0; i < n; i++)
		for (long j = 0; j < from; j++)
			take_event(target[i].vector + (long) s.event[j].document * dims,
					   &s.event[j]);
	for (long at = from; at < to; at += turn)
	{
		long		end = at + turn < to ? at + turn : to;

		turns++;
		if (is_set("checkpoint", "0") || at == from)
			command(watch, "CHECKPOINT%s", "");
		for (int i = 0; i < n; i++)
		{
			/* nobody is always the one after the same other */
			Target	   *t = &target[turns % 2 == 0 ? i : n - 1 - i];

			play(t, &s, at, end, is_set("transaction", "0"));
			after_turn(t, is_set("vacuum", "1"),
					   end == to || (fold > 0 && turns % fold == 0));
			report(t, at);
		}
	}
	for (int i = 0; i < n; i++)
		PQfinish(target[i].c);
	PQfinish(watch);
	return 0;
}
