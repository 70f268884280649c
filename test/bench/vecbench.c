/*
 * vecbench.c
 *		A libpq client that loads vectors and times prepared statements.
 *
 *	vecbench load   conn= table= vecs= [rows=] [idbase=]
 *	vecbench query  conn= sql= vecs= [rows=] [set=] [clients=] [seconds=]
 *					[warm=] [k=] [out=]
 *	vecbench insert conn= sql= vecs= start= [count=] [set=]
 *	vecbench update conn= sql= vecs= [rows=] [count=] [share=] [seed=] [set=]
 *	vecbench truth  vecs= base= metric= out= [rows=] [k=]
 *	vecbench recall vecs= base= metric= truth= got= [rows=] [k=]
 *
 * Each prints one JSON object.  Vectors travel in binary, as parameters of
 * prepared statements, so that the client costs little and the server is what
 * is measured.  A row's id is its number in the file.
 *
 * server_cpu_ms and server_wait_ms are the backend's time on a core and its
 * wait for one, per statement; 0 where the server runs elsewhere.  A wait that
 * is not small says that something else was running.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdbool.h>

#include "vecfile.h"
#include "wire.h"

#define MAX_CLIENTS 256

static int	arg_count;
static char **arg_list;

/* The value of key=value on the command line; NULL as otherwise: required. */
static const char *
arg(const char *key, const char *otherwise)
{
	size_t		n = strlen(key);

	for (int i = 2; i < arg_count; i++)
		if (strncmp(arg_list[i], key, n) == 0 && arg_list[i][n] == '=')
			return arg_list[i] + n + 1;
	if (otherwise == NULL)
		vec_die(key, "this argument is needed");
	return otherwise;
}

static int32_t
result_id(const PGresult *r, int row)
{
	uint32_t	id;

	if (PQgetlength(r, row, 0) != 4)
		vec_die("result", "the first column must be int4");
	memcpy(&id, PQgetvalue(r, row, 0), 4);
	return (int32_t) ntohl(id);
}

/* ---- the server ---- */

static PGconn *
connect_db(void)
{
	PGconn	   *c = PQconnectdb(arg("conn", NULL));
	const char *set = arg("set", "");

	if (PQstatus(c) != CONNECTION_OK)
		vec_die("connect", PQerrorMessage(c));
	if (*set)
	{
		PGresult   *r = PQexec(c, set);

		expect(r, c, PGRES_COMMAND_OK, set);
		PQclear(r);
	}
	return c;
}

static void
prepare(PGconn *c, int parameters)
{
	PGresult   *r = PQprepare(c, "s", arg("sql", NULL), parameters, NULL);

	expect(r, c, PGRES_COMMAND_OK, "prepare");
	PQclear(r);
}

/* ---- figures ---- */

static int
compare_doubles(const void *a, const void *b)
{
	double		x = *(const double *) a,
				y = *(const double *) b;

	return (x > y) - (x < y);
}

static void
print_latency(double *seconds, long n)
{
	qsort(seconds, (size_t) n, sizeof(double), compare_doubles);
	printf("\"statements\":%ld,\"p50_ms\":%.4f,\"p99_ms\":%.4f,\"max_ms\":%.4f",
		   n, seconds[n / 2] * 1e3, seconds[n * 99 / 100] * 1e3,
		   seconds[n - 1] * 1e3);
}

static void
print_server(Sched before, Sched after, long n)
{
	printf(",\"server_cpu_ms\":%.4f,\"server_wait_ms\":%.4f",
		   (after.run - before.run) / (double) n * 1e3,
		   (after.wait - before.wait) / (double) n * 1e3);
}

/* ---- load ---- */

static void
send_copy(PGconn *c, const char *data, size_t bytes)
{
	if (PQputCopyData(c, data, (int) bytes) != 1)
		vec_die("copy", PQerrorMessage(c));
}

static void
cmd_load(void)
{
	static const char head[19] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0";
	VecFile		v = vec_read(arg("vecs", NULL), atol(arg("rows", "-1")));
	uint32_t	idbase = (uint32_t) atol(arg("idbase", "0"));
	PGconn	   *c = connect_db();
	char	   *row = vec_alloc(14 + vector_bytes(v.dims));
	char		sql[512];
	PGresult   *r;
	double		started;

	snprintf(sql, sizeof(sql), "COPY %s (id, embedding) FROM STDIN (FORMAT binary)",
			 arg("table", NULL));
	r = PQexec(c, sql);
	expect(r, c, PGRES_COPY_IN, sql);
	PQclear(r);
	started = now();
	send_copy(c, head, sizeof(head));
	for (long i = 0; i < v.rows; i++)
	{
		char	   *p = row;

		p += put_u16(p, 2);
		p += put_u32(p, 4);
		p += put_u32(p, idbase + (uint32_t) i);
		p += put_u32(p, (uint32_t) vector_bytes(v.dims));
		p += put_vector(p, vec_row(&v, i), v.dims);
		send_copy(c, row, (size_t) (p - row));
	}
	send_copy(c, "\377\377", 2);
	if (PQputCopyEnd(c, NULL) != 1)
		vec_die("copy", PQerrorMessage(c));
	r = PQgetResult(c);
	expect(r, c, PGRES_COMMAND_OK, "copy");
	PQclear(r);
	printf("{\"rows\":%ld,\"dims\":%d,\"seconds\":%.3f}\n", v.rows, v.dims,
		   now() - started);
	PQfinish(c);
}

/* ---- query ---- */

/* What all clients share; nothing of it changes while they run. */
typedef struct Run
{
	VecFile		queries;
	int			clients,
				warm,
				k;
	double		seconds;
	IdFile		answers;		/* of client 0's first pass */
	pthread_barrier_t start;
} Run;

typedef struct Client
{
	Run		   *run;
	int			number;
	PGconn	   *c;
	char	   *buffer;
	double	   *latency;
	long		done,
				room;
	double		began,
				ended;
	Sched		before,
				after;
} Client;

static PGresult *
ask(Client *me, long query)
{
	const VecFile *q = &me->run->queries;
	const char *values[1] = {me->buffer};
	int			lengths[1],
				formats[1] = {1};
	PGresult   *r;

	lengths[0] = (int) put_vector(me->buffer, vec_row(q, query), q->dims);
	r = PQexecPrepared(me->c, "s", 1, values, lengths, formats, 1);
	expect(r, me->c, PGRES_TUPLES_OK, "query");
	return r;
}

static void
note_latency(Client *me, double seconds)
{
	if (me->done == me->room)
	{
		me->room = me->room * 2 + 4096;
		me->latency = realloc(me->latency, (size_t) me->room * sizeof(double));
		if (me->latency == NULL)
			vec_die("memory", "exhausted");
	}
	me->latency[me->done++] = seconds;
}

static void *
client_main(void *argument)
{
	Client	   *me = argument;
	Run		   *run = me->run;
	long		n = run->queries.rows,
				at = n * me->number / run->clients;

	me->buffer = vec_alloc(vector_bytes(run->queries.dims));
	for (long i = 0; i < run->warm; i++)
		PQclear(ask(me, (at + i) % n));
	me->before = sched_of(me->c);
	pthread_barrier_wait(&run->start);
	me->began = now();
	/* a whole pass at least, so that every query is asked */
	while (me->done < n || now() - me->began < run->seconds)
	{
		double		t = now();
		PGresult   *r = ask(me, at);

		note_latency(me, now() - t);
		if (me->number == 0 && me->done <= n)
			for (int i = 0; i < run->k; i++)
				run->answers.id[at * run->k + i] =
					i < PQntuples(r) ? result_id(r, i) : -1;
		PQclear(r);
		at = (at + 1) % n;
	}
	me->ended = now();
	me->after = sched_of(me->c);
	return NULL;
}

static void
report_run(const Run *run, const Client *client)
{
	double		began = client[0].began,
				ended = client[0].ended;
	Sched		before = {0, 0},
				after = {0, 0};
	long		total = 0,
				short_answers = 0;
	double	   *all;

	for (int i = 0; i < run->clients; i++)
		total += client[i].done;
	all = vec_alloc((size_t) total * sizeof(double));
	total = 0;
	for (int i = 0; i < run->clients; i++)
	{
		memcpy(all + total, client[i].latency,
			   (size_t) client[i].done * sizeof(double));
		total += client[i].done;
		began = fmin(began, client[i].began);
		ended = fmax(ended, client[i].ended);
		before.run += client[i].before.run;
		before.wait += client[i].before.wait;
		after.run += client[i].after.run;
		after.wait += client[i].after.wait;
	}
	for (long i = 0; i < run->queries.rows; i++)
		short_answers += run->answers.id[(i + 1) * run->k - 1] < 0;
	printf("{\"clients\":%d,\"qps\":%.2f,", run->clients,
		   (double) total / (ended - began));
	print_latency(all, total);
	print_server(before, after, total);
	printf(",\"short_answers\":%ld}\n", short_answers);
}

static void
cmd_query(void)
{
	static Run	run;
	static Client client[MAX_CLIENTS];
	pthread_t	thread[MAX_CLIENTS];
	const char *out = arg("out", "");

	run.queries = vec_read(arg("vecs", NULL), atol(arg("rows", "-1")));
	run.clients = atoi(arg("clients", "1"));
	run.warm = atoi(arg("warm", "100"));
	run.k = atoi(arg("k", "10"));
	run.seconds = atof(arg("seconds", "3"));
	if (run.clients < 1 || run.clients > MAX_CLIENTS || run.k < 1)
		vec_die("clients, k", "out of range");
	run.answers.rows = run.queries.rows;
	run.answers.width = run.k;
	run.answers.id = vec_alloc((size_t) run.queries.rows * (size_t) run.k * 4);
	pthread_barrier_init(&run.start, NULL, (unsigned) run.clients);
	for (int i = 0; i < run.clients; i++)
	{
		client[i].run = &run;
		client[i].number = i;
		client[i].c = connect_db();
		prepare(client[i].c, 1);
	}
	for (int i = 0; i < run.clients; i++)
		if (pthread_create(&thread[i], NULL, client_main, &client[i]) != 0)
			vec_die("thread", "could not be started");
	for (int i = 0; i < run.clients; i++)
		pthread_join(thread[i], NULL);
	if (*out)
		ids_write(out, &run.answers);
	report_run(&run, client);
}

/* ---- insert and update ---- */

/* xorshift64: the same rows and changes in every run with the same seed */
static uint64_t
next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* A statement with parameters ($1 id, $2 vector) must change one row. */
static double
write_row(PGconn *c, long id, const float *x, int dims, char *buffer)
{
	char		text[32];
	const char *values[2] = {text, buffer};
	int			lengths[2] = {0, (int) put_vector(buffer, x, dims)},
				formats[2] = {0, 1};
	double		started = now();
	PGresult   *r;

	snprintf(text, sizeof(text), "%ld", id);
	r = PQexecPrepared(c, "s", 2, values, lengths, formats, 1);
	expect(r, c, PGRES_COMMAND_OK, "write");
	if (strcmp(PQcmdTuples(r), "1") != 0)
		vec_die("write", "did not meet exactly one row");
	PQclear(r);
	return now() - started;
}

/* Row `row` with a share of its dimensions taken from another row. */
static void
mix_rows(float *x, const VecFile *v, long row, double share, uint64_t *random)
{
	const float *other = vec_row(v, (long) (next_random(random) % (uint64_t) v->rows));
	int			changed = (int) ceil(share * v->dims);

	memcpy(x, vec_row(v, row), sizeof(float) * (size_t) v->dims);
	for (int i = 0; i < changed; i++)
	{
		uint64_t	d = next_random(random) % (uint64_t) v->dims;

		x[d] = other[d];
	}
}

static void
cmd_write(bool update)
{
	VecFile		v = vec_read(arg("vecs", NULL), atol(arg("rows", "-1")));
	long		start = update ? 0 : atol(arg("start", NULL)),
				count = atol(arg("count", "1000"));
	double		share = atof(arg("share", "0.05"));
	uint64_t	random = strtoull(arg("seed", "1"), NULL, 10) * 0x9E3779B97F4A7C15u + 1;
	PGconn	   *c = connect_db();
	char	   *buffer = vec_alloc(vector_bytes(v.dims));
	float	   *x = vec_alloc(sizeof(float) * (size_t) v.dims);
	double	   *latency,
				started,
				seconds,
				wal;
	Sched		before,
				after;

	if (!update && start + count > v.rows)
		count = v.rows - start;
	if (count < 1)
		vec_die("count", "the file holds no rows for this");
	latency = vec_alloc((size_t) count * sizeof(double));
	prepare(c, 2);
	wal = wal_position(c);
	before = sched_of(c);
	started = now();
	for (long i = 0; i < count; i++)
	{
		long		row = start + i;

		if (update)
		{
			row = (long) (next_random(&random) % (uint64_t) v.rows);
			mix_rows(x, &v, row, share, &random);
		}
		latency[i] = write_row(c, row, update ? x : vec_row(&v, row), v.dims, buffer);
	}
	seconds = now() - started;
	after = sched_of(c);
	printf("{\"per_second\":%.2f,", (double) count / seconds);
	print_latency(latency, count);
	print_server(before, after, count);
	printf(",\"wal_bytes_each\":%.1f}\n", (wal_position(c) - wal) / (double) count);
	PQfinish(c);
}

/* ---- truth and recall ---- */

typedef struct Neighbour
{
	double		distance;
	int32_t		id;
} Neighbour;

/* Keep list[0..*n-1] sorted, nearest first, ties by row number. */
static void
keep_nearest(Neighbour *list, int *n, int k, Neighbour candidate)
{
	int			at;

	if (*n == k && !(candidate.distance < list[k - 1].distance))
		return;
	at = *n < k ? (*n)++ : k - 1;
	for (; at > 0 && list[at - 1].distance > candidate.distance; at--)
		list[at] = list[at - 1];
	list[at] = candidate;
}

static void
cmd_truth(void)
{
	VecFile		base = vec_read(arg("base", NULL), atol(arg("rows", "-1"))),
				q = vec_read(arg("vecs", NULL), -1);
	VecMetric	metric = vec_metric(arg("metric", NULL));
	int			k = atoi(arg("k", "10"));
	IdFile		truth = {q.rows, k, vec_alloc((size_t) q.rows * (size_t) k * 4)};
	Neighbour  *list = vec_alloc((size_t) k * sizeof(Neighbour));
	double		started = now();

	if (q.dims != base.dims)
		vec_die("vecs, base", "different dimensions");
	for (long i = 0; i < q.rows; i++)
	{
		int			n = 0;

		for (long j = 0; j < base.rows; j++)
		{
			Neighbour	one = {vec_distance(metric, vec_row(&base, j),
											vec_row(&q, i), q.dims),
							 (int32_t) j};

			if (!isnan(one.distance))
				keep_nearest(list, &n, k, one);
		}
		for (int j = 0; j < k; j++)
			truth.id[i * k + j] = j < n ? list[j].id : -1;
	}
	ids_write(arg("out", NULL), &truth);
	printf("{\"queries\":%ld,\"rows\":%ld,\"seconds\":%.3f}\n", q.rows, base.rows,
		   now() - started);
}

/*
 * The share of answers that are no farther than the true k-th neighbour.
 * Distances are computed here, from the files, so that neither ties nor what
 * the server believes about an answer count.
 */
static void
cmd_recall(void)
{
	VecFile		base = vec_read(arg("base", NULL), atol(arg("rows", "-1"))),
				q = vec_read(arg("vecs", NULL), -1);
	VecMetric	metric = vec_metric(arg("metric", NULL));
	IdFile		truth = ids_read(arg("truth", NULL)),
				got = ids_read(arg("got", NULL));
	int			k = atoi(arg("k", "10"));
	long		hits = 0,
				wanted = 0;

	if (truth.rows < got.rows || q.rows < got.rows || truth.width < k || got.width < k)
		vec_die("truth, got", "not of these queries and this k");
	for (long i = 0; i < got.rows; i++)
	{
		const float *x = vec_row(&q, i);
		const int32_t *a = got.id + i * got.width;
		const int32_t *t = truth.id + i * truth.width;
		double		limit = -INFINITY;

		for (int j = 0; j < k && t[j] >= 0; j++, wanted++)
		{
			if (t[j] >= base.rows)
				vec_die("truth", "is of more rows than these");
			limit = fmax(limit, vec_distance(metric, vec_row(&base, t[j]), x, q.dims));
		}
		for (int j = 0; j < k; j++)
		{
			bool		repeated = false;

			for (int earlier = 0; earlier < j; earlier++)
				repeated |= a[earlier] == a[j];
			if (a[j] >= 0 && a[j] < base.rows && !repeated &&
				vec_distance(metric, vec_row(&base, a[j]), x, q.dims) <=
					limit + fabs(limit) * 1e-6 + 1e-7)
				hits++;
		}
	}
	printf("{\"queries\":%ld,\"k\":%d,\"recall\":%.5f}\n", got.rows, k,
		   wanted ? (double) hits / (double) wanted : 1.0);
}

int
main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";

	arg_count = argc;
	arg_list = argv;
	if (strcmp(command, "load") == 0)
		cmd_load();
	else if (strcmp(command, "query") == 0)
		cmd_query();
	else if (strcmp(command, "insert") == 0)
		cmd_write(false);
	else if (strcmp(command, "update") == 0)
		cmd_write(true);
	else if (strcmp(command, "truth") == 0)
		cmd_truth();
	else if (strcmp(command, "recall") == 0)
		cmd_recall();
	else
		vec_die("usage", "vecbench load|query|insert|update|truth|recall key=value ...");
	return 0;
}
