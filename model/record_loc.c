/* Angles are kept in thousandths of a second, lengths in centimetres: the units of RFC 1876. */
#include "model/record_loc.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define EXAMPLE    "51 30 12.748 N 0 7 39.612 W 0m 1m 10000m 10m"
#define WORDS_MAX  12
#define SECOND     1000LL
#define MINUTE     (60 * SECOND)
#define DEGREE     (60 * MINUTE)
#define METRE      100LL
#define ALT_LEAST  (-100000 * METRE)
#define ALT_MOST   4284967295LL
#define LENGTH_MAX (90000000 * METRE)

enum { LATITUDE, LONGITUDE, AXES };
enum { SIZE, HORIZONTAL, VERTICAL, LENGTHS };

struct loc {
	int64_t angle[AXES]; /* without direction */
	char direction[AXES];
	int64_t altitude, length[LENGTHS];
};

static const struct {
	const char *name, *directions, *key;
	int64_t degrees;
} axes[AXES] = {{"latitude", "NS", "lat", 90}, {"longitude", "EW", "long", 180}};

static const struct {
	const char *name, *key;
	int64_t otherwise;
} lengths[LENGTHS] = {
	{"size", "size", 1 * METRE},
	{"horizontal precision", "precision_horz", 10000 * METRE},
	{"vertical precision", "precision_vert", 10 * METRE},
};

static int loc_refuse(const char *what, const char *word, const char *why, struct err *e)
{
	(void)err_set(e, ERR_INVALID, "content: %s \"%.40s\" %s", what, word ? word : "", why);
	return err_hint(
		e,
		"The content of LOC records is: latitude as degrees, minutes, seconds and N "
		"or S; longitude likewise and E or W; altitude, size, horizontal and vertical "
		"precision in metres, as in %s",
		EXAMPLE);
}

/* ---- numbers ---- */

/* "12.748" in units of 10^-places; false when it is no such number. */
static bool read_decimal(const char *text, int places, int64_t *out)
{
	const char *p = text;
	int64_t n = 0;
	size_t digits = strspn(p, "0123456789");

	if (digits == 0 || digits > 10)
		return false;
	for (; isdigit((unsigned char)*p); p++)
		n = n * 10 + (*p - '0');
	bool point = *p == '.';
	p += point;
	if (point && !*p)
		return false;
	for (; places > 0; places--)
		n = n * 10 + (isdigit((unsigned char)*p) ? *p++ - '0' : 0);
	*out = n;
	return !p[strspn(p, "0")] && (point || !*p);
}

/* Metres: a sign, two places, and the letter or not. */
static bool read_metres(const char *word, int64_t *cm)
{
	size_t n = strlen(word);
	bool minus = *word == '-', letter = n > 0 && (word[n - 1] == 'm' || word[n - 1] == 'M');
	AUTO(str_t) plain = str_ndup(word + minus, n - minus - letter);

	if (!read_decimal(plain, 2, cm))
		return false;
	if (minus)
		*cm = -*cm;
	return true;
}

static char *decimal(int64_t n, int places)
{
	int64_t unit = 1;

	for (int i = 0; i < places; i++)
		unit *= 10;
	int64_t rest = (n < 0 ? -n : n) % unit, whole = (n < 0 ? -n : n) / unit;
	char *text = str_format("%s%lld.%0*lld", n < 0 ? "-" : "", (long long)whole, places,
				(long long)rest);
	size_t len = strlen(text);
	while (text[len - 1] == '0')
		text[--len] = '\0';
	if (text[len - 1] == '.')
		text[len - 1] = '\0';
	return text;
}

/* The wire has one digit and a number of zeros behind it. */
static bool has_one_digit(int64_t cm)
{
	while (cm >= 10 && cm % 10 == 0)
		cm /= 10;
	return cm < 10;
}

/* ---- from words ---- */

struct words {
	char *of[WORDS_MAX + 1];
	size_t n, at;
};

static void split(char *text, struct words *w)
{
	char *save = NULL;

	for (char *p = strtok_r(text, " \t", &save); p; p = strtok_r(NULL, " \t", &save)) {
		if (w->n > WORDS_MAX)
			return;
		w->of[w->n++] = p;
	}
}

static const char *peek(const struct words *w)
{
	return w->at < w->n ? w->of[w->at] : NULL;
}

static char direction_of(const char *word, const char *directions)
{
	char c = word && word[0] && !word[1] ? (char)toupper((unsigned char)word[0]) : '\0';

	return c && strchr(directions, c) ? c : '\0';
}

static int read_angle(struct words *w, int axis, struct loc *out, struct err *e)
{
	static const int64_t units[] = {DEGREE, MINUTE, 1};
	static const int64_t limits[] = {INT64_MAX, DEGREE, MINUTE};
	const char *what = axes[axis].name;

	for (size_t i = 0;; i++, w->at++) {
		const char *word = peek(w);
		int64_t n;
		if (i > 0 && (out->direction[axis] = direction_of(word, axes[axis].directions)))
			break;
		if (!word || i == ARRAY_LEN(units))
			return loc_refuse(what, word, "lacks its direction", e);
		if (!read_decimal(word, i == 2 ? 3 : 0, &n))
			return loc_refuse(what, word, "is no number", e);
		if (n * units[i] >= limits[i])
			return loc_refuse(what, word, "is not below 60", e);
		out->angle[axis] += n * units[i];
		if (out->angle[axis] > axes[axis].degrees * DEGREE)
			return loc_refuse(what, word, "is beyond the globe", e);
	}
	w->at++;
	return 0;
}

static int read_lengths(struct words *w, bool strict, struct loc *out, struct err *e)
{
	for (size_t i = 0; i < LENGTHS; i++) {
		const char *word = peek(w);
		out->length[i] = lengths[i].otherwise;
		if (!word)
			continue;
		w->at++;
		if (!read_metres(word, &out->length[i]) || out->length[i] < 0 ||
		    out->length[i] > LENGTH_MAX)
			return loc_refuse(lengths[i].name, word, "is none from 0 to 90000000 m", e);
		if (strict && !has_one_digit(out->length[i]))
			return loc_refuse(lengths[i].name, word,
					  "cannot be told: it has one digit, and zeros", e);
	}
	return 0;
}

static int read_words(struct words *w, bool strict, struct loc *out, struct err *e)
{
	if (read_angle(w, LATITUDE, out, e) < 0 || read_angle(w, LONGITUDE, out, e) < 0)
		return -1;
	const char *word = peek(w);
	if (!word || !read_metres(word, &out->altitude) || out->altitude < ALT_LEAST ||
	    out->altitude > ALT_MOST)
		return loc_refuse("altitude", word, "is none from -100000 to 42849672.95 m", e);
	w->at++;
	if (read_lengths(w, strict, out, e) < 0)
		return -1;
	return peek(w) ? loc_refuse("the word", peek(w), "is more than its fields", e) : 0;
}

/* ---- to words ---- */

static void put_angle(const struct loc *l, int axis, struct buf *out)
{
	int64_t a = l->angle[axis];
	AUTO(str_t) seconds = decimal(a % MINUTE, 3);

	(void)buf_printf(out, "%lld %lld %s %c ", (long long)(a / DEGREE),
			 (long long)(a % DEGREE / MINUTE), seconds, l->direction[axis]);
}

static char *compose(const struct loc *l)
{
	AUTO(buf_t) out = {0};
	AUTO(str_t) altitude = decimal(l->altitude, 2);

	put_angle(l, LATITUDE, &out);
	put_angle(l, LONGITUDE, &out);
	(void)buf_printf(&out, "%sm", altitude);
	for (size_t i = 0; i < LENGTHS; i++) {
		AUTO(str_t) length = decimal(l->length[i], 2);
		(void)buf_printf(&out, " %sm", length);
	}
	return buf_steal(&out);
}

int loc_read(const char *content, bool strict, char **form, struct err *e)
{
	AUTO(str_t) copy = str_dup(content);
	struct words w = {.n = 0};
	struct loc l = {.altitude = 0};

	split(copy, &w);
	if (read_words(&w, strict, &l, e) < 0)
		return -1;
	*form = compose(&l);
	return 0;
}

/* ---- Cloudflare's object ---- */

static void put_decimal(struct json_writer *w, const char *key, int64_t n, int places)
{
	AUTO(str_t) text = decimal(n, places);

	json_write_key(w, key);
	json_write_raw(w, text, strlen(text));
}

static void put_axis(const struct loc *l, int axis, struct json_writer *w)
{
	const char *const parts[] = {"degrees", "minutes", "seconds", "direction"};
	const char direction[2] = {l->direction[axis], '\0'};
	char key[32];

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		(void)snprintf(key, sizeof(key), "%s_%s", axes[axis].key, parts[i]);
		if (i == 0)
			json_put_int(w, key, l->angle[axis] / DEGREE);
		else if (i == 1)
			json_put_int(w, key, l->angle[axis] % DEGREE / MINUTE);
		else if (i == 2)
			put_decimal(w, key, l->angle[axis] % MINUTE, 3);
		else
			json_put_string(w, key, direction);
	}
}

void loc_put(const char *form, struct json_writer *w)
{
	AUTO(str_t) copy = str_dup(form);
	struct words words = {.n = 0};
	struct loc l = {.altitude = 0};
	struct err e;

	split(copy, &words);
	if (read_words(&words, false, &l, &e) < 0) {
		json_put_string(w, "content", form);
		return;
	}
	json_write_key(w, "data");
	json_object_begin(w);
	put_axis(&l, LATITUDE, w);
	put_axis(&l, LONGITUDE, w);
	put_decimal(w, "altitude", l.altitude, 2);
	for (size_t i = 0; i < LENGTHS; i++)
		put_decimal(w, lengths[i].key, l.length[i], 2);
	json_object_end(w);
}

/* In units of 10^-places; a number may come as its digits in a string. */
static bool take_number(const struct json *data, const char *key, int places, int64_t least,
			int64_t most, int64_t *out)
{
	const struct json *v = json_get(data, key);
	const char *text = json_string(v);
	char *end = NULL;
	double n = text && *text ? strtod(text, &end) : json_double(v, (double)NAN);

	for (int i = 0; i < places; i++)
		n *= 10;
	if ((end && *end) || !isfinite(n) || n < (double)least - 0.5 || n > (double)most + 0.5)
		return false;
	*out = (int64_t)(n < 0 ? n - 0.5 : n + 0.5);
	return true;
}

static bool take_axis(const struct json *data, int axis, struct loc *l)
{
	char key[4][32];
	int64_t degrees, minutes, thousandths;

	(void)snprintf(key[0], sizeof(key[0]), "%s_degrees", axes[axis].key);
	(void)snprintf(key[1], sizeof(key[1]), "%s_minutes", axes[axis].key);
	(void)snprintf(key[2], sizeof(key[2]), "%s_seconds", axes[axis].key);
	(void)snprintf(key[3], sizeof(key[3]), "%s_direction", axes[axis].key);
	if (!take_number(data, key[0], 0, 0, axes[axis].degrees, &degrees) ||
	    !take_number(data, key[1], 0, 0, 59, &minutes) ||
	    !take_number(data, key[2], 3, 0, MINUTE - 1, &thousandths))
		return false;
	l->angle[axis] = degrees * DEGREE + minutes * MINUTE + thousandths;
	l->direction[axis] = direction_of(json_get_string(data, key[3]), axes[axis].directions);
	return l->direction[axis] != '\0';
}

char *loc_form(const struct json *data)
{
	struct loc l = {.altitude = 0};

	if (!take_axis(data, LATITUDE, &l) || !take_axis(data, LONGITUDE, &l) ||
	    !take_number(data, "altitude", 2, ALT_LEAST, ALT_MOST, &l.altitude))
		return NULL;
	for (size_t i = 0; i < LENGTHS; i++)
		if (!take_number(data, lengths[i].key, 2, 0, LENGTH_MAX, &l.length[i]))
			return NULL;
	return compose(&l);
}

bool loc_valid(const struct json *data)
{
	JSON_EACH (member, data) {
		enum json_type type = json_type(member);
		if (type != JSON_NUMBER && type != JSON_STRING && type != JSON_NULL)
			return false;
	}
	return true;
}
