/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/instant.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"

/* 9999-12-31T23:59:59Z */
static const int64_t last_second = INT64_C(253402300799);

/* From large to small. */
static const struct unit {
	char letter;
	int64_t seconds;
} units[] = {
	{'y', SPAN_YEAR},
	{'w', 7 * SPAN_DAY},
	{'d', SPAN_DAY},
	{'h', SPAN_HOUR},
	{'m', SPAN_MINUTE},
	{'s', 1},
};

struct civil {
	unsigned year, month, day;
	unsigned hour, minute, second;
};

/*
 * The calendar by arithmetic, because gmtime_r() and timegm() take a lock and
 * read the local zone's file.  Years begin in March here, so that the leap day
 * is a year's last, and day 0 is 0000-03-01, 719468 days before 1970.
 */
enum { DAYS_TO_1970 = 719468, DAYS_IN_400_YEARS = 146097 };

static int64_t days_before_year(int64_t year)
{
	return year * 365 + year / 4 - year / 100 + year / 400;
}

static int64_t days_before_month(int64_t month)
{
	return (153 * month + 2) / 5;
}

static int64_t civil_seconds(const struct civil *civil)
{
	int64_t year = (int64_t)civil->year - (civil->month < 3);
	int64_t month = (civil->month + 9) % 12;
	int64_t days = days_before_year(year) + days_before_month(month) +
		       civil->day - 1 - DAYS_TO_1970;

	return days * SPAN_DAY + civil->hour * SPAN_HOUR +
	       civil->minute * SPAN_MINUTE + civil->second;
}

static struct civil civil_at(int64_t seconds)
{
	int64_t days = seconds / SPAN_DAY + DAYS_TO_1970;
	int64_t rest = seconds % SPAN_DAY;
	int64_t year = days * 400 / DAYS_IN_400_YEARS + 1;
	int64_t month;

	while (days_before_year(year) > days)
		year--;
	days -= days_before_year(year);
	month = (5 * days + 2) / 153;
	return (struct civil){
		.year = (unsigned)(year + (month >= 10)),
		.month = (unsigned)((month + 2) % 12 + 1),
		.day = (unsigned)(days - days_before_month(month) + 1),
		.hour = (unsigned)(rest / SPAN_HOUR),
		.minute = (unsigned)(rest % SPAN_HOUR / SPAN_MINUTE),
		.second = (unsigned)(rest % SPAN_MINUTE),
	};
}

static struct instant bounded(int64_t seconds)
{
	if (seconds < 0)
		seconds = 0;
	if (seconds > last_second)
		seconds = last_second;
	return (struct instant){seconds};
}

struct instant instant_now(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_REALTIME, &now) != 0)
		now.tv_sec = 0;
	return bounded(now.tv_sec);
}

struct instant instant_add(struct instant at, int64_t seconds)
{
	int64_t sum;

	if (__builtin_add_overflow(at.seconds, seconds, &sum))
		sum = seconds < 0 ? 0 : last_second;
	return bounded(sum);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Exactly so many digits, and a value in these bounds. */
static bool scan_number(const char **at, unsigned n_digits, unsigned least,
	unsigned most, unsigned *ret_number)
{
	unsigned number = 0;

	for (unsigned i = 0; i < n_digits; i++, ++*at) {
		if (!is_digit(**at))
			return false;
		number = number * 10 + (unsigned)(**at - '0');
	}
	*ret_number = number;
	return number >= least && number <= most;
}

static bool scan_one_of(const char **at, const char *letters)
{
	if (**at == '\0' || !strchr(letters, **at))
		return false;
	++*at;
	return true;
}

static bool scan_date(const char **at, struct civil *civil)
{
	static const unsigned char days[] = {
		31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	unsigned leap;

	if (!scan_number(at, 4, 0, 9999, &civil->year) ||
		!scan_one_of(at, "-") ||
		!scan_number(at, 2, 1, 12, &civil->month) ||
		!scan_one_of(at, "-") ||
		!scan_number(at, 2, 1, 31, &civil->day))
		return false;
	leap = civil->month == 2 && civil->year % 4 == 0 &&
	       (civil->year % 100 != 0 || civil->year % 400 == 0);
	return civil->day <= days[civil->month - 1] + leap;
}

static bool scan_clock(const char **at, struct civil *civil)
{
	if (!scan_number(at, 2, 0, 23, &civil->hour) || !scan_one_of(at, ":") ||
		!scan_number(at, 2, 0, 59, &civil->minute) ||
		!scan_one_of(at, ":") ||
		!scan_number(at, 2, 0, 59, &civil->second))
		return false;
	if (!scan_one_of(at, "."))
		return true;
	if (!is_digit(**at))
		return false;
	*at += strspn(*at, "0123456789");
	return true;
}

/* Seconds that local time is ahead of UTC. */
static bool scan_offset(const char **at, int64_t *ret_ahead)
{
	bool behind = **at == '-';
	unsigned hours, minutes;

	*ret_ahead = 0;
	if (scan_one_of(at, "Zz"))
		return true;
	if (!scan_one_of(at, "+-") || !scan_number(at, 2, 0, 23, &hours) ||
		!scan_one_of(at, ":") || !scan_number(at, 2, 0, 59, &minutes))
		return false;
	*ret_ahead = hours * SPAN_HOUR + minutes * SPAN_MINUTE;
	if (behind)
		*ret_ahead = -*ret_ahead;
	return true;
}

/* RFC 3339, 5.6, without leap seconds, which have no number. */
static bool scan_time(const char *text, int64_t *ret_seconds)
{
	struct civil civil;
	int64_t ahead;

	if (!scan_date(&text, &civil) || !scan_one_of(&text, "Tt") ||
		!scan_clock(&text, &civil) || !scan_offset(&text, &ahead) ||
		*text != '\0')
		return false;
	*ret_seconds = civil_seconds(&civil) - ahead;
	return true;
}

/* What is more than the years above can hold is as much as they hold and one
 * second. */
static bool scan_span(const char *text, int64_t *ret_seconds)
{
	int64_t sum = 0;
	size_t unit = 0;

	do {
		int64_t number = 0;

		if (!is_digit(*text))
			return false;
		for (; is_digit(*text); text++)
			if (number <= last_second)
				number = number * 10 + (*text - '0');
		while (unit < ARRAY_SIZE(units) && units[unit].letter != *text)
			unit++;
		if (unit == ARRAY_SIZE(units))
			return false;
		if (number > (last_second - sum) / units[unit].seconds)
			sum = last_second + 1;
		else
			sum += number * units[unit].seconds;
		unit++;
		text++;
	} while (*text != '\0' && sum <= last_second);
	*ret_seconds = sum;
	return true;
}

static bool accept_time(const char *text, int64_t seconds,
	struct instant *ret_at, struct error *err)
{
	if (seconds < 0 || seconds > last_second)
		return error_set(err, ERROR_INPUT,
			"\"%s\": not in the years 1970 to 9999", text);
	ret_at->seconds = seconds;
	return true;
}

static bool accept_span(const char *text, int64_t seconds, int64_t *ret_seconds,
	struct error *err)
{
	if (seconds > last_second)
		return error_set(err, ERROR_INPUT,
			"\"%s\": longer than the years 1970 to 9999", text);
	*ret_seconds = seconds;
	return true;
}

bool instant_parse(const char *text, struct instant *ret_at, struct error *err)
{
	int64_t seconds;

	if (!scan_time(text, &seconds))
		return error_set(err, ERROR_INPUT,
			"\"%s\": not a time (RFC 3339) such as "
			"2026-11-24T01:14:59Z",
			text);
	return accept_time(text, seconds, ret_at, err);
}

bool span_parse(const char *text, int64_t *ret_seconds, struct error *err)
{
	int64_t seconds;

	if (!scan_span(text, &seconds))
		return error_set(err, ERROR_INPUT,
			"\"%s\": not a span of time such as 90d, 1y or 1d12h",
			text);
	return accept_span(text, seconds, ret_seconds, err);
}

bool instant_parse_or_span(const char *text, struct instant from,
	struct instant *ret_at, struct error *err)
{
	int64_t seconds;

	if (scan_time(text, &seconds))
		return accept_time(text, seconds, ret_at, err);
	if (!scan_span(text, &seconds))
		return error_set(err, ERROR_INPUT,
			"\"%s\": neither a time (RFC 3339) such as "
			"2026-11-24T01:14:59Z nor a span such as 90d or 1y",
			text);
	return accept_time(text, from.seconds + seconds, ret_at, err);
}

char *instant_format(struct instant at, char text[static INSTANT_TEXT])
{
	struct civil civil = civil_at(bounded(at.seconds).seconds);

	/* The years are bounded, so it fits. */
	(void)snprintf(text, INSTANT_TEXT, "%04u-%02u-%02uT%02u:%02u:%02uZ",
		civil.year % 10000, civil.month % 100, civil.day % 100,
		civil.hour % 100, civil.minute % 100, civil.second % 100);
	return text;
}

char *instant_format_file(struct instant at, char text[static INSTANT_TEXT])
{
	(void)instant_format(at, text);
	/* 2026-11-24T01:14:59Z */
	text[10] = text[13] = text[16] = '-';
	text[19] = '\0';
	return text;
}

/* The span in those units that the bits of `chosen` stand for, or NULL when
 * they leave something over. */
static char *spell(int64_t seconds, unsigned chosen)
{
	char text[6 * 21] = "";
	size_t len = 0;

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		int64_t number = seconds / units[i].seconds;

		if (!(chosen >> i & 1) || number == 0)
			continue;
		seconds -= number * units[i].seconds;
		len += (size_t)snprintf(text + len, sizeof(text) - len,
			"%lld%c", (long long)number, units[i].letter);
	}
	return seconds == 0 ? memory_text(text) : NULL;
}

char *span_format(int64_t seconds)
{
	char *best = NULL;

	assert(seconds >= 0);
	if (seconds == 0)
		return memory_text("0s");
	for (unsigned chosen = 1; chosen < 1u << ARRAY_SIZE(units); chosen++) {
		AUTO_TEXT text = spell(seconds, chosen);

		if (!text || (best && strlen(best) <= strlen(text)))
			continue;
		memory_auto_text(&best);
		best = take(&text);
	}
	return best;
}
