/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/context.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/note.h"
#include "cmd/product.h"
#include "cmd/authorities.h"
#include "pki/pem.h"
#include "verify/issued.h"

#define CLUSTER_MAX ((size_t)1 << 20)

char *context_directory(const struct command_call *call)
{
	const char *dir = call->shared->dir;

	if (!dir)
		dir = getenv("KPKI_DIR");
	return memory_text(dir && *dir ? dir : "pki");
}

static bool open_directory(struct context *context, struct error *err)
{
	context->dir = open(context->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (context->dir >= 0)
		return true;
	if (errno == ENOENT || errno == ENOTDIR)
		return error_set(err, ERROR_INPUT,
			"\"%s\": no PKI directory (kpki init-ca makes one)",
			context->path);
	return error_errno(err, "open \"%s\"", context->path);
}

/* A directory of another kind, most likely. */
static bool refuse_without(
	const struct context *context, const char *name, struct error *err)
{
	if (file_exists(context->dir, CA_REQUEST))
		return error_set(err, ERROR_INPUT,
			"\"%s\": waits for the certificate that \"" CA_REQUEST
			"\" asks for",
			context->path);
	return error_set(err, ERROR_INPUT,
		"\"%s\": without \"%s\" it is no PKI directory",
		context->path, name);
}

static bool require_parts(
	const struct context *context, unsigned needs, struct error *err)
{
	static const struct {
		unsigned needs;
		const char *name;
	} parts[] = {
		{NEEDS_CA | NEEDS_CA_CERTIFICATE, CA_CERTIFICATE},
		{NEEDS_CLUSTER, CLUSTER_FILE},
		{NEEDS_LEDGER | NEEDS_LEDGER_WRITE, LEDGER_FILE},
	};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (needs & parts[i].needs &&
			!file_exists(context->dir, parts[i].name))
			return refuse_without(context, parts[i].name, err);
	return true;
}

static bool read_cluster(struct context *context, struct error *err)
{
	AUTO_FREE(source) source = NULL;

	context->cluster_path =
		memory_format("%s/" CLUSTER_FILE, context->path);
	return source_open(context->cluster_path, CLUSTER_MAX, &source, err) &&
	       cluster_read(source, &context->cluster, err);
}

static bool find_authority(struct context *context, struct error *err)
{
	const struct certificate *certificate =
		context->ca ? authority_certificate(context->ca)
			    : context->ca_certificate;
	bool done;

	if (!ledger_lock(context->ledger, FILE_LOCK_SHARED,
		    context->lock_timeout, err))
		return false;
	done = ledger_authority(
		context->ledger, &certificate->pin, &context->ca_number, err);
	ledger_unlock(context->ledger);
	if (!done)
		return false;
	if (context->ca_number == 0)
		return error_set(err, ERROR_INPUT,
			"\"%s/" CA_CERTIFICATE "\": the ledger beside it does "
			"not know this CA",
			context->path);
	return true;
}

/* A writer that was cut short left its journal; who may write mends the ledger
 * by locking it, and reading goes on.  Who may not finds the journal himself.
 */
static void mend_ledger(const struct context *context)
{
	AUTO_RELEASE(error) ignored = ERROR_INIT;
	AUTO_FREE(ledger) ledger = NULL;

	if (!ledger_open(context->path, LEDGER_WRITE, &ledger, &ignored) ||
		!ledger_lock(ledger, FILE_LOCK_EXCLUSIVE, context->lock_timeout,
			&ignored))
		error_release(&ignored);
}

static bool open_ledger(
	struct context *context, unsigned needs, struct error *err)
{
	enum ledger_access access = LEDGER_WRITE;

	if (!(needs & NEEDS_LEDGER_WRITE)) {
		access = LEDGER_READ;
		if (ledger_is_cut_short(context->path))
			mend_ledger(context);
	}
	return ledger_open(context->path, access, &context->ledger, err);
}

static bool read_ca_certificate(struct context *context, struct error *err)
{
	if (!authority_read_certificate(context->dir, CA_CERTIFICATE,
		    context->now, &context->ca_certificate, err))
		return error_context(err, "\"%s\"", context->path);
	pem_write(&context->ca_pem, "CERTIFICATE",
		context->ca_certificate->whole);
	return true;
}

static bool open_ca(struct context *context, struct error *err)
{
	AUTO_TEXT file = memory_format("%s/" CA_KEY, context->path);
	const struct authority_place place = {
		.dir = context->dir,
		.certificate_name = CA_CERTIFICATE,
		.key_name = CA_KEY,
		.custodian = custody_of(context->custody, file),
	};

	return authority_open(&place, context->now, &context->ca, err) ||
	       error_context(err, "\"%s\"", context->path);
}

bool context_write_key(const struct context *context, const struct key *key,
	struct secret **ret_pem, struct error *err)
{
	if (key_custody(authority_key(context->ca)) != KEY_SEALED)
		return key_write(key, ret_pem, err);
	return key_write_sealed(
		key, custody_known(context->custody), ret_pem, err);
}

bool context_key_custody(const struct context *context,
	enum key_custody *ret_custody, struct error *err)
{
	AUTO_FREE(secret) pem = NULL;

	return (file_read_secret(context->dir, CA_KEY, CA_KEY_MAX, &pem, err) &&
		       (key_text_custody(pem, ret_custody, err) ||
			       error_context(err, "\"" CA_KEY "\""))) ||
	       error_context(err, "\"%s\"", context->path);
}

/* Nobody signed a root. */
static bool read_issuers(struct context *context, struct error *err)
{
	AUTO_RELEASE(buffer) text = BUFFER_INIT;

	if (!file_exists(context->dir, CA_CHAIN))
		return true;
	return (file_read(context->dir, CA_CHAIN, ISSUERS_TEXT_MAX, &text,
			err) &&
		       (issuers_read(der_of(&text), &context->issuers, err) ||
			       error_context(err, "\"" CA_CHAIN "\""))) ||
	       error_context(err, "\"%s\"", context->path);
}

static void set_chain(struct context *context)
{
	AUTO_RELEASE(buffer) chain = BUFFER_INIT;

	if (!context->ca || !context->cluster ||
		!cluster_takes_chains(context->cluster))
		return;
	issuers_write_chain(&context->issuers,
		authority_certificate(context->ca), &chain);
	authority_set_chain(context->ca, &chain);
}

static bool open_parts(
	struct context *context, unsigned needs, struct error *err)
{
	bool rotated = file_exists(context->dir, ROTATION_DIRECTORY) &&
		       (!(needs & MAY_LACK_LEDGER) ||
			       file_exists(context->dir, LEDGER_FILE));

	if (needs & NEEDS_CLUSTER && !read_cluster(context, err))
		return false;
	if ((needs & (NEEDS_LEDGER | NEEDS_LEDGER_WRITE) || rotated) &&
		!open_ledger(context, needs, err))
		return false;
	if (needs & NEEDS_LEDGER_WRITE && (!authorities_recover(context, err) ||
						  !trust_recover(context, err)))
		return false;
	if (needs & NEEDS_CA && !open_ca(context, err))
		return false;
	if (needs & NEEDS_CA_CERTIFICATE && !read_ca_certificate(context, err))
		return false;
	if (needs & (NEEDS_CA | NEEDS_CA_CERTIFICATE) &&
		!read_issuers(context, err))
		return false;
	set_chain(context);
	if (!context->ledger || !(needs & ~(unsigned)NEEDS_LEDGER))
		return true;
	return ((!context->ca && !context->ca_certificate) ||
		       find_authority(context, err)) &&
	       trust_load(context, err);
}

bool context_reload(struct context *context, struct error *err)
{
	authority_free(context->ca);
	context->ca = NULL;
	if (!open_ca(context, err))
		return false;
	set_chain(context);
	return find_authority(context, err) &&
	       trust_load(context, err);
}

const struct buffer *context_bundle(const struct context *context)
{
	const struct buffer *bundle = &context->trust.pem[ROTATION_CA];

	return bundle->len ? bundle : NULL;
}

bool context_require_one_ca(const struct context *context, struct error *err)
{
	unsigned stage = context->trust.rotations[ROTATION_CA].stage;
	unsigned trusted = rotation_stages[stage].trusted;

	return trusted == ROTATION_OLD || trusted == ROTATION_NEW ||
	       error_set(err, ERROR_REFUSED,
		       "two CAs are trusted at stage %u of the rotation, and "
		       "what a node puts in place itself has one: kpki "
		       "rotate-ca stage %u writes its tree",
		       stage, stage);
}

const struct buffer *context_trust(const struct context *context)
{
	const struct buffer *bundle = context_bundle(context);

	if (bundle)
		return bundle;
	return context->ca ? authority_pem(context->ca) : &context->ca_pem;
}

bool context_open(const struct command_call *call, unsigned needs,
	struct context **ret_context, struct error *err)
{
	AUTO_TEXT path = context_directory(call);

	return context_open_at(call, path, needs, ret_context, err);
}

bool context_open_at(const struct command_call *call, const char *path,
	unsigned needs, struct context **ret_context, struct error *err)
{
	AUTO_FREE(context) context = memory_new(1, sizeof(*context));

	assert(!(needs & NEEDS_CA) || call->command->takes & TAKES_PASSPHRASE);
	context->dir = -1;
	context->ca_pem = (struct buffer)BUFFER_INIT;
	context->path = memory_text(path);
	for (size_t i = 0; i < ROTATION_TARGETS; i++)
		context->trust.pem[i] = (struct buffer)BUFFER_INIT;
	context->now = instant_now();
	context->lock_timeout = call->shared->lock_timeout;
	context->custody = custody_new(call);
	if (!open_directory(context, err) ||
		!require_parts(context, needs, err) ||
		!open_parts(context, needs, err))
		return false;
	*ret_context = take(&context);
	return true;
}

void context_free(struct context *context)
{
	if (!context)
		return;
	ledger_free(context->ledger);
	authority_free(context->ca);
	custody_free(context->custody);
	certificate_free(context->ca_certificate);
	issuers_release(&context->issuers);
	buffer_release(&context->ca_pem);
	trust_release(&context->trust);
	cluster_free(context->cluster);
	if (context->dir >= 0)
		close(context->dir);
	free(context->cluster_path);
	free(context->path);
	free(context);
}

bool context_check_issued(const struct context *context,
	const struct authority *ca, const struct profile *profile,
	const struct buffer *der, struct error *err)
{
	const struct issued issued = {
		profile, authority_certificate(ca), der_of(der)};

	return issued_check(context->cluster, context->now, &issued, err);
}

/* The directory at path, or the nearest above where it will be. */
static int open_nearest(const char *path)
{
	AUTO_TEXT at = memory_text(path);

	for (;;) {
		char *end = at + strlen(at);
		int fd = open(*at ? at : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (fd >= 0 || !*at || (errno != ENOENT && errno != ENOTDIR))
			return fd;
		while (end > at && end[-1] == '/')
			end--;
		while (end > at && end[-1] != '/')
			end--;
		*end = '\0';
	}
}

/* What cannot be looked at is left to who opens it. */
static bool is_within(int taken_fd, int dir)
{
	AUTO_CLOSE fd = taken_fd;
	struct stat wanted, before, status;

	if (fd < 0 || fstat(dir, &wanted) || fstat(fd, &status))
		return false;
	do {
		int above = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (file_is_same(&status, &wanted)) {
			file_auto_close(&above);
			return true;
		}
		file_auto_close(&fd);
		fd = above;
		before = status;
	} while (fd >= 0 && !fstat(fd, &status) &&
		 !file_is_same(&status, &before));
	return false;
}

bool context_check_out(
	const struct context *context, const char *out, struct error *err)
{
	if (product_is_stream(out) ||
		!is_within(open_nearest(out), context->dir))
		return true;
	return error_set(err, ERROR_REFUSED,
		"--out \"%s\": is in the PKI directory \"%s\"", out,
		context->path);
}

bool context_split_out(const char *out, char **ret_directory,
	const char **ret_name, struct error *err)
{
	const char *slash = strrchr(out, '/');

	*ret_name = slash ? slash + 1 : out;
	if (!**ret_name)
		return error_set(err, ERROR_USAGE,
			"--out \"%s\": a directory, and not a file's name",
			out);
	if (!slash)
		*ret_directory = memory_text(".");
	else
		*ret_directory = memory_text_n(
			out, slash == out ? 1 : (size_t)(slash - out));
	return true;
}

bool context_archive_time(const struct context *context,
	struct instant *ret_time, struct error *err)
{
	enum { DIGITS_MOST = 11 }; /* beyond the year 5000 */
	const char *epoch = getenv("SOURCE_DATE_EPOCH");

	*ret_time = context->now;
	if (!epoch || !*epoch)
		return true;
	if (strlen(epoch) > DIGITS_MOST || epoch[strspn(epoch, "0123456789")])
		return error_set(err, ERROR_USAGE,
			"SOURCE_DATE_EPOCH \"%s\": not a number of seconds",
			epoch);
	ret_time->seconds = strtoll(epoch, NULL, 10);
	return true;
}

bool context_at(const struct command_call *call, struct instant *ret_at,
	struct error *err)
{
	struct instant at = instant_now();

	if (call->shared->at &&
		!instant_parse_or_span(call->shared->at, at, &at, err)) {
		err->kind = ERROR_USAGE;
		return error_context(err, "--at");
	}
	*ret_at = at;
	return true;
}

bool context_blame(struct error *err, const char *option)
{
	if (err->kind == ERROR_INPUT)
		err->kind = ERROR_USAGE;
	return error_context(err, "%s", option);
}

struct report *context_report_of(const struct command_call *call,
	const char *kind, const struct report_column *columns,
	enum report_format format, FILE *out)
{
	if (call->shared->json)
		format = REPORT_JSON;
	*call->reported = true;
	return report_new(kind, format, columns, true, out);
}

struct report *context_report(const struct command_call *call,
	const struct report_column *columns, enum report_format format,
	FILE *out)
{
	return context_report_of(
		call, call->command->report_kind, columns, format, out);
}

void context_warn(const char *sentence)
{
	warning("%s", sentence);
}
