/*
 * vecfile.h
 *		Vectors on disk in the formats of the big-ann-benchmarks, read as float.
 *
 * .u8bin, .f16bin, .fbin: uint32 rows, uint32 dimensions, then the rows;
 * .ibin: the same with int32, for row numbers.  All little-endian, as is the
 * machine that this runs on.  Several files, separated by commas, are one.
 * To be compiled as C and as C++.
 */
#ifndef VECFILE_H
#define VECFILE_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct VecFile
{
	long		rows;
	int			dims;
	float	   *x;				/* rows * dims */
} VecFile;

typedef struct IdFile
{
	long		rows;
	int			width;
	int32_t	   *id;				/* rows * width; -1: no answer */
} IdFile;

static inline void
vec_die(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	exit(1);
}

static inline void *
vec_alloc(size_t bytes)
{
	void	   *p = malloc(bytes ? bytes : 1);

	if (p == NULL)
		vec_die("memory", "exhausted");
	return p;
}

static inline float
vec_half(uint16_t h)
{
	uint32_t	sign = (uint32_t) (h & 0x8000) << 16;
	uint32_t	exponent = (h >> 10) & 0x1F;
	uint32_t	fraction = h & 0x3FF;
	uint32_t	bits;
	float		f;

	if (exponent == 0)
	{
		/* zero or a subnormal number: fraction units of 2^-24 */
		f = (float) fraction / 16777216.0f;
		return sign ? -f : f;
	}
	bits = sign | (exponent == 31 ? 0x7F800000u : (exponent + 112) << 23) |
		fraction << 13;
	memcpy(&f, &bits, sizeof(f));
	return f;
}

static inline int
vec_ends_with(const char *s, const char *end)
{
	size_t		n = strlen(s),
				m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

/* Read a file's head, check it against the length, and leave the rows next. */
static inline FILE *
vec_open_file(const char *path, size_t width, uint32_t head[2])
{
	FILE	   *f = fopen(path, "rb");

	if (f == NULL || fread(head, 4, 2, f) != 2 || head[1] == 0)
		vec_die(path, "cannot be read");
	if (fseek(f, 0, SEEK_END) != 0 ||
		(uint64_t) ftell(f) != 8 + (uint64_t) head[0] * head[1] * width)
		vec_die(path, "length and head do not agree");
	if (fseek(f, 8, SEEK_SET) != 0)
		vec_die(path, "cannot be read");
	return f;
}

/* Append one file's rows to what *v has. */
static inline void
vec_append(VecFile *v, const char *path)
{
	size_t		width = 0;
	uint32_t	head[2];
	FILE	   *f;
	char	   *row;

	if (vec_ends_with(path, ".u8bin"))
		width = 1;
	else if (vec_ends_with(path, ".f16bin"))
		width = 2;
	else if (vec_ends_with(path, ".fbin"))
		width = 4;
	else
		vec_die(path, "not .u8bin, .f16bin or .fbin");
	f = vec_open_file(path, width, head);
	if (v->dims != 0 && v->dims != (int) head[1])
		vec_die(path, "the files have different dimensions");
	v->dims = (int) head[1];
	v->x = (float *) realloc(v->x, (v->rows + (size_t) head[0]) * head[1] * sizeof(float) + 1);
	row = (char *) vec_alloc(head[1] * width);
	if (v->x == NULL)
		vec_die(path, "memory exhausted");
	for (uint32_t i = 0; i < head[0]; i++)
	{
		float	   *x = v->x + (v->rows + i) * head[1];

		if (fread(row, width, head[1], f) != head[1])
			vec_die(path, "cannot be read");
		for (uint32_t d = 0; d < head[1]; d++)
		{
			if (width == 1)
				x[d] = (float) ((uint8_t *) row)[d];
			else if (width == 2)
				x[d] = vec_half(((uint16_t *) row)[d]);
			else
				x[d] = ((float *) row)[d];
		}
	}
	v->rows += head[0];
	free(row);
	fclose(f);
}

/* paths: one or several, separated by commas; most: rows to keep, or -1 */
static inline VecFile
vec_read(const char *paths, long most)
{
	VecFile		v = {0, 0, NULL};
	char	   *list = strdup(paths),
			   *rest = list,
			   *path;

	while ((path = strsep(&rest, ",")) != NULL)
		vec_append(&v, path);
	free(list);
	if (most >= 0 && v.rows > most)
		v.rows = most;
	return v;
}

static inline const float *
vec_row(const VecFile *v, long i)
{
	return v->x + (size_t) i * v->dims;
}

static inline IdFile
ids_read(const char *path)
{
	uint32_t	head[2];
	FILE	   *f = vec_open_file(path, 4, head);
	IdFile		ids;
	size_t		n = (size_t) head[0] * head[1];

	ids.rows = head[0];
	ids.width = (int) head[1];
	ids.id = (int32_t *) vec_alloc(n * 4);
	if (fread(ids.id, 4, n, f) != n)
		vec_die(path, "cannot be read");
	fclose(f);
	return ids;
}

static inline void
ids_write(const char *path, const IdFile *ids)
{
	uint32_t	head[2] = {(uint32_t) ids->rows, (uint32_t) ids->width};
	size_t		n = (size_t) ids->rows * ids->width;
	FILE	   *f = fopen(path, "wb");

	if (f == NULL || fwrite(head, 4, 2, f) != 2 ||
		fwrite(ids->id, 4, n, f) != n || fclose(f) != 0)
		vec_die(path, "cannot be written");
}

typedef enum VecMetric
{
	VEC_L2,
	VEC_IP,
	VEC_COSINE,
	VEC_L1
} VecMetric;

static inline VecMetric
vec_metric(const char *name)
{
	static const char *const names[] = {"l2", "ip", "cosine", "l1"};

	for (int i = 0; i < 4; i++)
		if (strcmp(name, names[i]) == 0)
			return (VecMetric) i;
	vec_die(name, "metric must be l2, ip, cosine or l1");
	return VEC_L2;
}

/* The distance that SQL's operator gives, in double precision. */
static inline double
vec_distance(VecMetric metric, const float *a, const float *b, int dims)
{
	double		sum = 0,
				aa = 0,
				bb = 0;

	for (int d = 0; d < dims; d++)
	{
		double		x = a[d],
					y = b[d];

		if (metric == VEC_L2)
			sum += (x - y) * (x - y);
		else if (metric == VEC_L1)
			sum += fabs(x - y);
		else
			sum += x * y;
		if (metric == VEC_COSINE)
		{
			aa += x * x;
			bb += y * y;
		}
	}
	if (metric == VEC_L2)
		return sqrt(sum);
	if (metric == VEC_IP)
		return -sum;
	if (metric == VEC_COSINE)
		return aa > 0 && bb > 0 ? 1 - sum / sqrt(aa * bb) : NAN;
	return sum;
}

#endif							/* VECFILE_H */
