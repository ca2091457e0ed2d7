/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/kubeconfig_issue.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/bundle_detail.h"
#include "kube/kubeconfig_read.h"
#include "kube/kubeconfig.h"
#include "pki/pem.h"
#include "pki/recovery.h"

#define KUBECONFIG_MAX ((size_t)1 << 20)

const struct report_column kubeconfig_columns[] = {
	{"status", "STATUS", 9},
	{"name", "NAME", 16},
	{"profile", "PROFILE", 21},
	{"groups", NULL, 0},
	{"path", "PATH", 24},
	{"serials", NULL, 0},
	{"notAfter", "EXPIRES", 20},
	{"reason", "REASON", 0},
	{NULL, NULL, 0},
};

/* Of profile and name, what the ledger holds live. */
struct live {
	struct certificate *certificate; /* NULL: nothing */
	int64_t event;
	char *server;
	bool foreign; /* issued by another CA */
	bool lost, pending;
};

struct job {
	const struct kubeconfig_order *order;
	char *directory;  /* of the file … */
	const char *name; /* … and its name in it */
	struct live live;
	bool replaces; /* a predecessor is in the file's place */
	char *differs; /* what the file with the live one says otherwise */
	bool issued;
	struct certificate *made;
};

static void live_release(struct live *live)
{
	certificate_free(live->certificate);
	free(live->server);
	*live = (struct live){0};
}

static void job_release(struct job *job)
{
	live_release(&job->live);
	certificate_free(job->made);
	free(job->directory);
	free(job->differs);
}

DEFINE_AUTO_RELEASE(job)

/* -- what is there -- */

static bool read_live(const struct kubeconfig_order *order, struct live *live,
	struct error *err)
{
	struct context *context = order->context;
	struct ledger_row row;
	bool found = false;

	if (!ledger_live_or_foreign(context->ledger, context->ca_number,
		    order->profile->name, order->name, context->now, &row,
		    &found, &live->foreign, err))
		return false;
	if (!found)
		return true;
	live->event = row.event;
	live->lost = row.lost;
	live->pending = row.pending;
	live->server = bundle_detail_server(row.detail);
	return certificate_read(row.body, &live->certificate, err);
}

/* What the file's place holds. */
enum standing {
	STANDING_NOTHING,
	STANDING_CURRENT,
	STANDING_PREDECESSOR,
	STANDING_FOREIGN,
};

struct search {
	const struct certificate *certificate;
	bool found;
};

static bool compare_row(
	void *data, const struct ledger_row *row, struct error *err)
{
	struct search *search = data;

	(void)err;
	search->found = search->found ||
			der_equal(row->body, search->certificate->whole);
	return true;
}

static bool judge(const struct job *job, const struct certificate *certificate,
	enum standing *ret_standing, struct error *err)
{
	const struct kubeconfig_order *order = job->order;
	const struct certificate *live = job->live.certificate;
	struct search search = {.certificate = certificate};
	const struct ledger_filter filter = {.name = order->name,
		.profile = order->profile->name,
		.at = order->context->now};

	*ret_standing = STANDING_CURRENT;
	if (live && der_equal(live->whole, certificate->whole))
		return true;
	if (!ledger_each(
		    order->context->ledger, &filter, compare_row, &search, err))
		return false;
	*ret_standing = search.found ? STANDING_PREDECESSOR : STANDING_FOREIGN;
	return true;
}

/* The one before of the same CA is as good, but while another CA is trusted as
 * well. */
static bool is_trusted(const struct job *job, const struct buffer *pem)
{
	const struct context *context = job->order->context;
	const struct buffer *wanted = context_trust(context);
	const struct certificate *ca = authority_certificate(context->ca);
	AUTO_RELEASE(error) ignored = ERROR_INIT; /* it is another, then */
	AUTO_FREE(certificate) is = NULL;

	if (pem->len == wanted->len && !memcmp(pem->data, wanted->data, pem->len))
		return true;
	return pem->len && wanted->len == authority_pem(context->ca)->len &&
	       certificate_read_pem(pem->data, pem->len, false, &is, &ignored) &&
	       der_equal(is->subject, ca->subject) &&
	       der_equal(is->public_key, ca->public_key);
}

static bool has_key(const struct job *job, const struct secret *pem)
{
	AUTO_RELEASE(error) ignored = ERROR_INIT; /* it has none, then */
	AUTO_FREE(key) key = NULL;

	return pem && key_read(pem, &key, &ignored) &&
	       der_equal(key_public(key), job->live.certificate->public_key);
}

static void compare_choice(const struct job *job,
	const struct kubeconfig_choice *choice, struct buffer *drift)
{
	const char *server = job->order->context->cluster->server;

	if (!choice->cluster || !choice->user) {
		drift_add(drift, "its current context is of no cluster or user");
		return;
	}
	if (!choice->cluster->server ||
		strcmp(choice->cluster->server, server) != 0)
		drift_add(drift, "its server is \"%s\"",
			choice->cluster->server ? choice->cluster->server : "");
	if (choice->cluster->insecure)
		drift_add(drift, "it does not verify the server");
	if (choice->cluster->ca_file ||
		!is_trusted(job, &choice->cluster->ca_pem))
		drift_add(drift, "its CA is another");
	if (choice->user->key_file || !has_key(job, choice->user->key_pem))
		drift_add(drift, "its key is not the certificate's");
}

/* The file that has the live certificate: whether the rest is as it was made. */
static void compare_file(struct job *job, const struct secret *text,
	const struct stat *status)
{
	AUTO_FREE(kubeconfig_file) file = NULL;
	AUTO_RELEASE(buffer) drift = BUFFER_INIT;
	AUTO_RELEASE(error) why = ERROR_INIT;

	if (status->st_mode & 077)
		drift_add(&drift, "its mode is %04o",
			(unsigned)status->st_mode & 07777);
	if (kubeconfig_read_secret(job->order->out, text, &file, &why)) {
		struct kubeconfig_choice choice = kubeconfig_current(file);

		compare_choice(job, &choice, &drift);
	} else {
		drift_add(&drift, "it cannot be read: %s", why.message);
	}
	if (drift.len)
		job->differs = memory_text(drift.data);
}

static bool look(
	struct job *job, enum standing *ret_standing, struct error *err)
{
	const char *out = job->order->out;
	AUTO_FREE(certificate) certificate = NULL;
	AUTO_FREE(secret) text = NULL;
	struct stat status;

	*ret_standing = STANDING_NOTHING;
	if (!file_exists(AT_FDCWD, out))
		return true;
	*ret_standing = STANDING_FOREIGN;
	if (fstatat(AT_FDCWD, out, &status, AT_SYMLINK_NOFOLLOW) ||
		!S_ISREG(status.st_mode) ||
		status.st_size > (off_t)KUBECONFIG_MAX)
		return true;
	/* A disk that was full leaves that, and there is nothing to lose. */
	if (status.st_size == 0 && job->live.certificate)
		*ret_standing = STANDING_PREDECESSOR;
	if (status.st_size == 0)
		return true;
	if (!file_read_secret(AT_FDCWD, out, KUBECONFIG_MAX, &text, err))
		return false;
	certificate = kubeconfig_find_client(text);
	if (certificate && !judge(job, certificate, ret_standing, err))
		return false;
	if (*ret_standing == STANDING_CURRENT)
		compare_file(job, text, &status);
	return true;
}

/* -- what to do -- */

static void compare(const struct job *job, struct buffer *drift)
{
	const struct kubeconfig_order *order = job->order;
	const char *server = order->context->cluster->server;

	if (job->live.foreign)
		drift_add(drift, "another CA issued the certificate");
	if (strcmp(job->live.server, server))
		drift_add(drift, "the server was \"%s\" and is \"%s\" now",
			job->live.server, server);
	profile_compare(
		order->profile, &order->holder, job->live.certificate, drift);
}

static bool require_place(
	struct job *job, enum standing standing, struct error *err)
{
	job->replaces = standing != STANDING_NOTHING;
	return standing != STANDING_FOREIGN ||
	       error_set(err, ERROR_REFUSED,
		       "\"%s\": is there, and is no kubeconfig that was issued "
		       "for \"%s\" as %s: move it away",
		       job->order->out, job->order->name,
		       job->order->profile->name);
}

/* What is live says what is wanted, and no other is. */
static bool require_there(
	const struct job *job, enum standing standing, struct error *err)
{
	const struct certificate *live = job->live.certificate;
	AUTO_TEXT serial = hex_of(live->serial.bytes, live->serial.len);
	char until[INSTANT_TEXT];
	const char *why = NULL;

	if (job->live.lost)
		why = "its file is lost";
	else if (standing == STANDING_CURRENT)
		return true;
	else if (standing != STANDING_NOTHING)
		why = "what is in its place is another";
	else if (job->live.pending)
		why = "its file waits where it is out of reach";
	else
		why = "its file is not here; its key was not kept";
	return error_set(err, ERROR_REFUSED,
		"certificate %s (until %s) is live and %s: --reissue makes "
		"another",
		serial, instant_format(live->not_after, until), why);
}

static bool decide(struct job *job, bool *ret_issue, struct error *err)
{
	AUTO_RELEASE(buffer) drift = BUFFER_INIT;
	enum standing standing;

	if (!read_live(job->order, &job->live, err) ||
		!look(job, &standing, err))
		return false;
	*ret_issue = !job->live.certificate || job->order->reissue;
	if (*ret_issue)
		return require_place(job, standing, err);
	compare(job, &drift);
	if (job->differs)
		drift_add(&drift, "\"%s\": %s", job->order->out, job->differs);
	if (drift.len)
		return error_set(err, ERROR_REFUSED,
			"differs: %s; --reissue issues it anew", drift.data);
	return require_there(job, standing, err);
}

static bool decide_locked(struct job *job, bool *ret_issue, struct error *err)
{
	struct context *context = job->order->context;
	bool done;

	live_release(&job->live);
	free(job->differs);
	job->differs = NULL;
	if (!ledger_lock(context->ledger, FILE_LOCK_SHARED,
		    context->lock_timeout, err))
		return false;
	done = decide(job, ret_issue, err);
	ledger_unlock(context->ledger);
	return done;
}

/* -- making -- */

static bool make_certificate(const struct job *job, const struct key *key,
	struct certificate **ret_certificate, struct error *err)
{
	const struct kubeconfig_order *order = job->order;
	AUTO_RELEASE(buffer) der = BUFFER_INIT;
	unsigned char serial[SERIAL_MAX];
	size_t serial_len;
	const struct profile_order wanted = {.profile = order->profile,
		.ca = order->context->ca,
		.holder = order->holder,
		.public_key = key_public(key),
		.lifetime = order->lifetime,
		.verify = true};

	return profile_issue(&wanted, &der, serial, &serial_len, err) &&
	       context_check_issued(
		       order->context, wanted.ca, wanted.profile, &der, err) &&
	       certificate_read(der_of(&der), ret_certificate, err);
}

static bool make_text(const struct job *job, const struct key *key,
	struct secret **ret_text, struct error *err)
{
	const struct kubeconfig_order *order = job->order;
	const struct cluster *cluster = order->context->cluster;
	AUTO_TEXT name = memory_format("%s@%s", order->user, cluster->name);
	const struct kubeconfig config = {.cluster = cluster->name,
		.user = order->user,
		.context = name,
		.server = cluster->server,
		.ca_pem = context_trust(order->context)};
	AUTO_FREE(kubeconfig_frame) frame = NULL;
	AUTO_RELEASE(buffer) pem = BUFFER_INIT;
	AUTO_FREE(secret) key_pem = NULL;

	if (!kubeconfig_frame_new(&config, &frame, err) ||
		!key_write(key, &key_pem, err))
		return false;
	authority_write_leaf(order->context->ca, job->made->whole, &pem);
	*ret_text = kubeconfig_fill(frame, &pem, key_pem);
	return true;
}

static bool stage(struct job *job, struct release *release,
	struct sha256 *ret_hash, struct error *err)
{
	AUTO_FREE(key) key = NULL;
	AUTO_FREE(secret) text = NULL;
	struct file_part part = {0};

	if (!key_generate(job->order->key_type, &key, err) ||
		!make_certificate(job, key, &job->made, err) ||
		!make_text(job, key, &text, err))
		return false;
	part.secret = text;
	return release_write(release_directory(release, 0), job->name, &part, 1,
		ret_hash, err);
}

static bool commit(struct job *job, struct release *release, struct sha256 hash,
	bool *ret_raced, struct error *err)
{
	const struct kubeconfig_order *order = job->order;
	struct ledger_issue issue = {.ca = order->context->ca_number,
		.profile = order->profile->name,
		.name = order->name,
		.detail = order->context->cluster->server,
		.serial = job->made->serial,
		.not_before = job->made->not_before,
		.not_after = job->made->not_after,
		.body = job->made->whole,
		/* Under another CA it has a name of its own. */
		.supersedes = job->live.foreign ? 0 : job->live.event};
	struct release_item item = {.name = order->name,
		.staged = job->name,
		.target = job->name,
		.witness = "",
		.hash = hash,
		.replace = job->replaces,
		.issues = &issue,
		.n_issues = 1};

	if (!release_commit(release, &item, 1, err))
		return false;
	job->issued = item.state == RELEASE_PUBLISHED;
	*ret_raced = item.state == RELEASE_RACED;
	if (item.error.kind)
		error_move(err, &item.error);
	return job->issued;
}

static bool make(struct job *job, bool *ret_raced, struct error *err)
{
	const struct kubeconfig_order *order = job->order;
	const struct release_settings settings = {
		.lock_timeout = order->context->lock_timeout,
		.clock_back = order->clock_back,
		.n_workers = 1,
		.warn = context_warn};
	AUTO_FREE(release) release = NULL;
	struct sha256 hash;

	return release_open(order->context->ledger, job->directory, &settings,
		       &release, err) &&
	       stage(job, release, &hash, err) &&
	       commit(job, release, hash, ret_raced, err) &&
	       release_close(release, err);
}

/* Somebody else was faster; if it was a twin, all is as it should be. */
static bool settle_race(struct job *job, struct error *err)
{
	struct kubeconfig_order patient = *job->order;
	AUTO_RELEASE(job) again = {.order = &patient, .name = job->name};
	AUTO_RELEASE(error) ignored = ERROR_INIT; /* the race is what counts */
	bool issue = false;

	patient.reissue = false;
	if (!decide_locked(&again, &issue, &ignored) || issue)
		return false;
	error_release(err);
	live_release(&job->live);
	job->live = again.live;
	again.live = (struct live){0};
	return true;
}

static bool run(struct job *job, struct error *err)
{
	const struct kubeconfig_order *order = job->order;
	const struct release_settings settings = {
		.lock_timeout = order->context->lock_timeout,
		.clock_back = order->clock_back,
		.warn = context_warn};
	bool issue = false, raced = false;

	if (!recovery_run(order->context->ledger, &settings, err) ||
		!decide_locked(job, &issue, err))
		return false;
	return !issue || make(job, &raced, err) ||
	       (raced && settle_race(job, err));
}

/* -- reporting -- */

static struct document *groups_of(const struct kubeconfig_order *order)
{
	struct document *list = document_new_list();

	if (order->profile->organization)
		document_append(
			list, document_new_text(order->profile->organization));
	for (size_t i = 0; i < order->holder.n_groups; i++)
		document_append(
			list, document_new_text(order->holder.groups[i]));
	return list;
}

static const char *status_of(const struct job *job, const struct error *why)
{
	if (job->issued)
		return "issued";
	if (why->kind == ERROR_NONE)
		return "unchanged";
	return why->kind == ERROR_REFUSED ? "refused" : "failed";
}

static struct document *row_of(const struct job *job, const struct error *why)
{
	const struct kubeconfig_order *order = job->order;
	const struct certificate *certificate =
		job->issued ? job->made : job->live.certificate;
	struct document *row = document_new_map();

	document_put_text(row, "status", status_of(job, why));
	document_put_text(row, "name", order->name);
	document_put_text(row, "profile", order->profile->name);
	document_put(row, "groups", groups_of(order));
	if (why->kind == ERROR_NONE)
		document_put_text(row, "path", order->out);
	if (certificate) {
		AUTO_TEXT serial = hex_of(
			certificate->serial.bytes, certificate->serial.len);

		document_append(
			document_put(row, "serials", document_new_list()),
			document_new_text(serial));
		document_put_instant(row, "notAfter", certificate->not_after);
	}
	if (why->kind)
		document_put_text(row, "reason", why->message);
	return row;
}

bool kubeconfig_issue(const struct kubeconfig_order *order,
	struct report *report, struct error *err)
{
	AUTO_RELEASE(job) job = {.order = order};
	bool done;

	if (!context_split_out(order->out, &job.directory, &job.name, err))
		return false;
	done = run(&job, err);
	report_row(report, row_of(&job, err));
	return done ||
	       error_context(err, "%s \"%s\"",
		       order->profile->for_user ? "user" : "host", order->name);
}
