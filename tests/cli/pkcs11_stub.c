/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * A PKCS#11 module in front of another one, $STUB_MODULE, that is pulled out
 * after $STUB_SIGNATURES signatures: from then on it answers that the device is
 * gone.  Two threads that sign at once fail at once.
 */
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include <p11-kit/pkcs11.h>

static CK_FUNCTION_LIST functions;
static CK_C_Sign real_sign;
static atomic_int left, inside;

static CK_RV stub_sign(CK_SESSION_HANDLE session, CK_BYTE_PTR data,
	CK_ULONG data_len, CK_BYTE_PTR signature, CK_ULONG_PTR signature_len)
{
	CK_RV rv = CKR_DEVICE_REMOVED;

	if (atomic_fetch_add(&inside, 1) > 0)
		rv = CKR_FUNCTION_FAILED;
	else if (!signature || atomic_fetch_sub(&left, 1) > 0)
		rv = real_sign(
			session, data, data_len, signature, signature_len);
	usleep(2000);
	atomic_fetch_sub(&inside, 1);
	return rv;
}

__attribute__((visibility("default"))) CK_RV C_GetFunctionList(
	CK_FUNCTION_LIST_PTR_PTR list)
{
	const char *signatures = getenv("STUB_SIGNATURES");
	void *module = dlopen(getenv("STUB_MODULE"), RTLD_NOW);
	CK_C_GetFunctionList get;
	CK_FUNCTION_LIST_PTR real;

	if (!module)
		return CKR_GENERAL_ERROR;
	*(void **)&get = dlsym(module, "C_GetFunctionList");
	if (!get || get(&real) != CKR_OK)
		return CKR_GENERAL_ERROR;
	functions = *real;
	real_sign = real->C_Sign;
	functions.C_Sign = stub_sign;
	left = signatures ? atoi(signatures) : 1000000;
	*list = &functions;
	return CKR_OK;
}
