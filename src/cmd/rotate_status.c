/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/rotate_ca.h"

#include <stdlib.h>
#include <string.h>

#include "pki/pem.h"
#include "verify/collection.h"
#include "verify/duty.h"

/* What files of a host must say at this stage. */
struct wanted {
	struct rotate *rotate;
	const char *ca;     /* the duty of the CA, "etcd-ca" */
	const char *bundle; /* how the path of all that are trusted ends */
	struct sha256 trusted[2]; /* the first one signs */
	size_t n_trusted;
	struct der signer;        /* its public key */
	struct certificate *certificates[2];
	struct buffer key;
};

static void wanted_release(struct wanted *wanted)
{
	for (size_t i = 0; i < ARRAY_SIZE(wanted->certificates); i++)
		certificate_free(wanted->certificates[i]);
	buffer_release(&wanted->key);
}
DEFINE_AUTO_RELEASE(wanted)

static const struct {
	const char *ca, *bundle;
} duties_of[ROTATION_TARGETS] = {
	[ROTATION_CA] = {"ca", "/ca-bundle"},
	[ROTATION_FRONT_PROXY_CA] = {"front-proxy-ca", "/front-proxy-ca-bundle"},
	[ROTATION_ETCD_CA] = {"etcd-ca", "/etcd/ca-bundle"},
	[ROTATION_SERVICE_ACCOUNT] = {NULL, NULL},
};

static bool read_trusted(struct wanted *wanted, struct error *err)
{
	const struct buffer *pem =
		&wanted->rotate->context->trust.pem[wanted->rotate->target];
	const char *word = wanted->ca ? "CERTIFICATE" : "PUBLIC KEY";
	AUTO_TEXT end = memory_format("-----END %s-----\n", word);
	const char *at = pem->data;

	while (at && *at && wanted->n_trusted < 2) {
		const char *stop = strstr(at, end);
		size_t len = stop ? (size_t)(stop - at) + strlen(end)
				  : strlen(at);
		size_t n = wanted->n_trusted++;
		AUTO_RELEASE(buffer) der = BUFFER_INIT;

		if (wanted->ca) {
			if (!certificate_read_pem(at, len, true,
				    &wanted->certificates[n], err))
				return false;
			wanted->trusted[n] = wanted->certificates[n]->pin;
		} else if (!pem_read(at, len, word, false, &der, err) ||
			   !sha256_of(der.data, der.len, &wanted->trusted[n],
				   err)) {
			return false;
		} else if (n == 0) {
			buffer_add(&wanted->key, der.data, der.len);
		}
		at += len;
	}
	wanted->signer = wanted->ca ? wanted->certificates[0]->public_key
				    : der_of(&wanted->key);
	return true;
}

/* -- looking at a host -- */

struct looking {
	const struct wanted *wanted;
	const struct unit *unit;
	const char *name; /* of whom it is said to be */
	char *wrong; /* the first thing that is; or NULL */
	size_t n_trusting, n_leaves;
	bool has_bundle;
};

static void blame(struct looking *looking, const struct file *file,
	const char *rule)
{
	if (!looking->wrong)
		looking->wrong =
			memory_format("\"%s\": %s", file->inside, rule);
}

/* Exactly those pins, in whatever order. */
static bool has_pins(const struct wanted *wanted, const struct sha256 *pins,
	size_t n)
{
	for (size_t k = 0; k < wanted->n_trusted; k++) {
		bool found = false;

		for (size_t i = 0; i < n; i++)
			found = found || !memcmp(&pins[i], &wanted->trusted[k],
						 sizeof(*pins));
		if (!found)
			return false;
	}
	return n == wanted->n_trusted;
}

#define PINS_MAX 16

static bool pin_of(const struct artifact *artifact, struct sha256 *ret_pin)
{
	AUTO_RELEASE(error) ignored = ERROR_INIT; /* unread is unlike */

	if (artifact->certificate) {
		*ret_pin = artifact->certificate->pin;
		return true;
	}
	return artifact->public_key.len &&
	       sha256_of(artifact->public_key.data, artifact->public_key.len,
		       ret_pin, &ignored);
}

static size_t collect(const struct file *file, enum artifact_kind kind,
	const char *embedded, struct sha256 pins[static PINS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < file->n_artifacts && n < PINS_MAX; i++) {
		const struct artifact *is = file->artifacts[i];
		bool same = embedded ? is->embedded_kind &&
					       !strcmp(is->embedded_kind,
						       embedded)
				     : !is->embedded_kind;

		if (is->kind == kind && same && pin_of(is, &pins[n]))
			n++;
	}
	return n;
}

static void look_at_bundle(struct looking *looking, const struct file *file,
	enum artifact_kind kind, const char *embedded)
{
	struct sha256 pins[PINS_MAX];
	size_t n = collect(file, kind, embedded, pins);

	looking->n_trusting++;
	if (!has_pins(looking->wanted, pins, n))
		blame(looking, file,
			"does not trust what this stage trusts, and no more");
}

/* etcd's ends as the cluster's does, and is another. */
static bool is_bundle(const struct wanted *wanted, const struct file *file)
{
	const char *path = file->inside, *dot = strrchr(path, '.');
	size_t len = dot ? (size_t)(dot - path) : 0;
	const char *longest = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(duties_of); i++) {
		const char *bundle = duties_of[i].bundle;
		size_t n = bundle ? strlen(bundle) : len + 1;

		if (n <= len && !memcmp(path + len - n, bundle, n) &&
			(!longest || n > strlen(longest)))
			longest = bundle;
	}
	return longest && !strcmp(longest, wanted->bundle);
}

static bool is_kubeconfig(const struct file *file)
{
	for (size_t i = 0; i < file->n_artifacts; i++)
		if (file->artifacts[i]->kind == ARTIFACT_KUBECONFIG)
			return true;
	return false;
}

static void look_at_leaf(
	struct looking *looking, const struct artifact *artifact)
{
	AUTO_RELEASE(error) why = ERROR_INIT;

	looking->n_leaves++;
	if (!certificate_verify(artifact->certificate, looking->wanted->signer,
		    &why))
		blame(looking, artifact->file,
			"is not signed by what this stage issues from");
	if (artifact->node && strcmp(artifact->node, looking->name) != 0)
		blame(looking, artifact->file, "is another node's");
}

static bool is_leaf(const struct wanted *wanted, const struct artifact *is)
{
	return is->kind == ARTIFACT_CERTIFICATE && is->certificate &&
	       !is->certificate->is_ca && is->duty && is->duty->issuer &&
	       !strcmp(is->duty->issuer, wanted->ca);
}

/* What the kubelet's link no longer names may be there. */
static bool is_left_over(const struct unit *unit, const struct file *file)
{
	static const char current[] =
		"var/lib/kubelet/pki/kubelet-client-current.pem";
	const char *at = strstr(file->inside, "kubelet-client-");

	return at && strcmp(at, "kubelet-client-current.pem") &&
	       unit_find(unit, current) != file;
}

static void look_at_own(struct looking *looking, const struct file *file)
{
	struct sha256 pins[PINS_MAX];
	size_t n = collect(file, ARTIFACT_CERTIFICATE, NULL, pins);

	/* Its key has the same duty. */
	if (n == 0)
		return;
	if (n != 1 || memcmp(&pins[0], &looking->wanted->trusted[0],
			      sizeof(pins[0])))
		blame(looking, file,
			"is not the one certificate that this stage issues "
			"from");
}

static void look_at_file(struct looking *looking, const struct file *file)
{
	const struct wanted *wanted = looking->wanted;
	const struct duty *duty = duty_of_path(file->inside);

	if (is_left_over(looking->unit, file))
		return;
	if (is_bundle(wanted, file)) {
		looking->has_bundle = true;
		look_at_bundle(looking, file, ARTIFACT_CERTIFICATE, NULL);
	} else if (duty && !strcmp(duty->name, wanted->ca) &&
		   file->n_artifacts) {
		look_at_own(looking, file);
	}
	if (wanted->rotate->target == ROTATION_CA && is_kubeconfig(file))
		look_at_bundle(
			looking, file, ARTIFACT_CERTIFICATE, "cluster");
	for (size_t i = 0; i < file->n_artifacts; i++)
		if (is_leaf(wanted, file->artifacts[i]))
			look_at_leaf(looking, file->artifacts[i]);
}

/* The public keys that tokens are held to, and the key that signs them. */
static void look_at_key(struct looking *looking, const struct file *file)
{
	const struct wanted *wanted = looking->wanted;
	const struct duty *duty = duty_of_path(file->inside);
	bool key = strstr(file->inside, "sa.key") ||
		   strstr(file->inside, "service-account-key.pem");
	struct sha256 pins[PINS_MAX];

	if (key) {
		looking->n_leaves++;
		if (collect(file, ARTIFACT_KEY, NULL, pins) != 1 ||
			memcmp(&pins[0], &wanted->trusted[0], sizeof(pins[0])))
			blame(looking, file,
				"is not the key that this stage signs with");
	} else if (duty && !strcmp(duty->name, "service-account") &&
		   file->n_artifacts) {
		look_at_bundle(looking, file, ARTIFACT_PUBLIC_KEY, NULL);
	}
}

/* Of what each host of its kind has at least one: a tree that lacks it shows
 * nothing. */
static void require_some(
	struct looking *looking, const struct rotate_subject *subject)
{
	if (looking->wrong)
		return;
	if (looking->n_trusting == 0)
		looking->wrong = memory_text("has no file that says what is "
					     "trusted");
	else if (!looking->has_bundle && looking->wanted->ca &&
		 subject->places != ROTATION_PEOPLE)
		looking->wrong = memory_format("has no \"%s\" of CAs, which "
					       "flags name",
			looking->wanted->bundle + 1);
	else if (looking->n_leaves == 0 && subject->places != ROTATION_PEOPLE)
		looking->wrong = memory_text("has no certificate, or key, of "
					     "what is rotated");
}

static const char *const needed_on_control[ROTATION_TARGETS][3] = {
	[ROTATION_CA] = {"kube-apiserver", "controller-manager", "scheduler"},
	[ROTATION_FRONT_PROXY_CA] = {"front-proxy-client"},
	[ROTATION_ETCD_CA] = {"kube-apiserver-etcd-client"},
};

static void require_duty(struct looking *looking, const char *duty)
{
	if (duty && !looking->wrong &&
		!unit_next(looking->unit, NULL, ARTIFACT_CERTIFICATE, duty))
		looking->wrong = memory_format("has no %s certificate", duty);
}

static void require_duties(
	struct looking *looking, const struct rotate_subject *subject)
{
	enum rotation_target target = looking->wanted->rotate->target;

	for (size_t i = 0; subject->places & ROTATION_CONTROL && i < 3; i++)
		require_duty(looking, needed_on_control[target][i]);
	if (subject->places & ROTATION_ETCD && target == ROTATION_ETCD_CA) {
		require_duty(looking, "etcd-server");
		require_duty(looking, "etcd-peer");
	}
	if (subject->places & ROTATION_NODE && target == ROTATION_CA)
		require_duty(looking, "kubelet-client");
}

/* -- what came back -- */

static void report_subject(const struct rotate *rotate, const char *name,
	const char *status, const char *path, const char *reason)
{
	struct document *row = document_new_map();

	document_put_text(row, "status", status);
	document_put(row, "stage",
		document_new_integer(rotate_state(rotate)->stage));
	document_put_text(row, "node", name);
	if (path)
		document_put_text(row, "path", path);
	if (reason)
		document_put_text(row, "reason", reason);
	report_row(rotate->report, row);
}

/* The administrator's tree is no host's, and has the name of its directory. */
static char *name_of(const struct unit *unit)
{
	size_t len = strlen(unit->path), from;

	if (unit->node)
		return memory_text(unit->node);
	while (len > 0 && unit->path[len - 1] == '/')
		len--;
	for (from = len; from > 0 && unit->path[from - 1] != '/';)
		from--;
	if (len - from > 4 && !memcmp(unit->path + len - 4, ".tar", 4))
		len -= 4;
	return memory_text_n(unit->path + from, len - from);
}

/* A host of the cluster file that has nothing of this target. */
static bool is_unconcerned(const struct rotate *rotate, const char *name)
{
	const struct topology *topology = rotate->context->cluster->topology;
	struct ledger_row row;
	AUTO_RELEASE(error) ignored = ERROR_INIT; /* then it is a stranger */
	struct node host;
	bool found = false;

	if (topology && topology->all &&
		inventory_find(topology->all, name, &host))
		return true;
	return rotate->target != ROTATION_CA &&
	       ledger_live_anywhere(rotate->context->ledger, "kubelet-client",
		       name, (struct instant){0}, &row, &found, &ignored) &&
	       found;
}

/* What came back last counts. */
static bool take_back(const struct rotate *rotate,
	struct rotate_subject *subject, struct error *err)
{
	subject->shown = false;
	return ledger_rotation_show(rotate->context->ledger,
		rotation_target_name(rotate->target), subject->name,
		LEDGER_SHOWN_WRONG, err);
}

static bool show_unit(void *data, struct unit *unit, struct error *err)
{
	struct wanted *wanted = data;
	struct rotate *rotate = wanted->rotate;
	AUTO_TEXT name = name_of(unit);
	struct looking looking = {
		.wanted = wanted, .unit = unit, .name = name};
	struct rotate_subject *subject = rotate_find(rotate, name);
	bool done = true;

	if (unit->is_stray || (!subject && is_unconcerned(rotate, name)))
		return true;
	if (!subject || subject->is_user) {
		report_subject(rotate, *name ? name : "-", "wrong", unit->path,
			"is called as no host of this rotation");
		wanted->rotate->n_wrong++;
		return true;
	}
	for (size_t i = 0; i < unit->n_files; i++)
		if (wanted->ca)
			look_at_file(&looking, unit->files[i]);
		else
			look_at_key(&looking, unit->files[i]);
	require_duties(&looking, subject);
	require_some(&looking, subject);
	if (looking.wrong) {
		report_subject(
			rotate, name, "wrong", unit->path, looking.wrong);
		rotate->n_wrong++;
		subject->reported = true;
		done = !subject->shown || take_back(rotate, subject, err);
	} else if (!subject->shown) {
		done = ledger_rotation_show(rotate->context->ledger,
			rotation_target_name(rotate->target), name, "shown",
			err);
		subject->shown = true;
	}
	free(looking.wrong);
	return done;
}

static bool show_all(struct wanted *wanted,
	const struct collection *collection, struct error *err)
{
	struct ledger *ledger = wanted->rotate->context->ledger;
	bool clock_back = wanted->rotate->settings->allow_clock_back;

	if (!ledger_begin(ledger, instant_now(), clock_back, err))
		return false;
	for (size_t i = 0; i < collection->n_units; i++)
		if (!show_unit(wanted, collection->units[i], err))
			return false;
	return collection_each(collection, show_unit, wanted, err) &&
	       ledger_commit(ledger, err);
}

static bool show_paths(struct rotate *rotate, const char *const *paths,
	size_t n_paths, struct error *err)
{
	AUTO_RELEASE(wanted) wanted = {.rotate = rotate, .key = BUFFER_INIT};
	AUTO_RELEASE(collection) collection = COLLECTION_INIT;
	struct context *context = rotate->context;
	bool done;

	wanted.ca = duties_of[rotate->target].ca;
	wanted.bundle = duties_of[rotate->target].bundle;
	if (!read_trusted(&wanted, err) ||
		!collection_read(&collection, paths, n_paths, err) ||
		!ledger_lock(context->ledger, FILE_LOCK_EXCLUSIVE,
			context->lock_timeout, err))
		return false;
	done = show_all(&wanted, &collection, err);
	ledger_unlock(context->ledger);
	return done;
}

/* -- the whole -- */

static bool summarize(const struct rotate *rotate, struct error *err)
{
	size_t n_open = 0;

	for (size_t i = 0; i < rotate->n_subjects; i++)
		n_open += !rotate->subjects[i].shown;
	if (n_open == 0 && rotate->n_wrong == 0)
		return true;
	return error_set(err, ERROR_FINDINGS,
		"stage %u of %s is not shown to be done on %zu of %zu",
		rotate_state(rotate)->stage,
		rotation_target_name(rotate->target), n_open,
		rotate->n_subjects);
}

bool rotate_status(struct rotate *rotate, const char *const *paths,
	size_t n_paths, struct error *err)
{
	if (rotate_state(rotate)->event == 0)
		return n_paths == 0 ||
		       error_set(err, ERROR_REFUSED,
			       "%s is at no stage of a rotation: there is "
			       "nothing to show",
			       rotation_target_name(rotate->target));
	if (n_paths && !show_paths(rotate, paths, n_paths, err))
		return false;
	for (size_t i = 0; i < rotate->n_subjects; i++) {
		const struct rotate_subject *is = &rotate->subjects[i];

		if (!is->reported)
			report_subject(rotate, is->name,
				is->shown ? "done" : "open", NULL, NULL);
	}
	return summarize(rotate, err);
}
