/*
 * The interface between cvm and key handlers that are built elsewhere.
 *
 * A handler NAME is a shared object NAME.so in the directory of handlers (LIBDIR/cvm/handlers, as in
 * /usr/lib/cvm/handlers). File and directories must belong to root, and be writable by nobody else. NAME has
 * letters a-z, digits and hyphens, at most 64.
 *
 * The object gives one function, with the version of the interface in its symbol:
 *
 *     const struct cvm_key_handler *cvm_key_handler_get(const struct cvm_key_host *host);
 *
 * Link it with the version script that is installed beside this header:
 *
 *     cc -shared -fPIC -Wl,--version-script=.../cvm-key-handler.map -o NAME.so name.c
 *
 * What a handler can count on: each call runs in a process of its own, which ends after it. It has no secret
 * but the one that is handed in, no open file, no terminal, an environment that is none of its business, and
 * 60 seconds; the time in which a person is asked does not count. Processes that it starts are killed with
 * it. A handler opens no device, asks nobody and prints nothing itself: it has the host for that. It keeps
 * nothing from call to call.
 *
 * What the host does itself, before or after a call: it refuses ciphers and key sizes that don't exist, an
 * empty secret for a new store, and keys that are weak under the store's cipher.
 */
#ifndef CVM_KEY_HANDLER_H
#define CVM_KEY_HANDLER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Grows when something that is here changes its meaning, with the version in the symbol. What is added at the
 * end of a struct does not change it: whoever reads a field that was added later compares `size` first. */
#define CVM_KEY_ABI 1
#define CVM_KEY_SYMBOL "cvm_key_handler_get"
#define CVM_KEY_SYMBOL_VERSION "CVM_KEY_1"

/* What a function of a handler returns, as an int. For anything but CVM_KEY_OK and CVM_KEY_WRONG, log a line
 * of CVM_KEY_LOG_ERROR before: it is what the person reads. */
enum cvm_key_result {
  CVM_KEY_OK = 0,
  CVM_KEY_WRONG = 1,       /* the secret does not open the store, the key is not the store's */
  CVM_KEY_DAMAGED = 2,     /* the bytes are no store of this kind */
  CVM_KEY_UNSUPPORTED = 3, /* what the store or the request asks for is not here */
  CVM_KEY_BAD_SECRET = 4,  /* a secret of an impossible size */
  CVM_KEY_NO_ROOM = 5,     /* the store is too small */
  CVM_KEY_NO_SECRET = 6,   /* what holds the key is not there: no token, no server, no answer */
  CVM_KEY_FAILED = 7       /* anything else */
};

enum cvm_key_log_level {
  CVM_KEY_LOG_ERROR = 0,   /* why the call fails; the last one counts, and is shown only then */
  CVM_KEY_LOG_WARNING = 1, /* shown */
  CVM_KEY_LOG_VERBOSE = 2, /* shown with -vv */
  CVM_KEY_LOG_DEBUG = 3    /* shown with -vvv */
};

/* What the host does for a handler. Valid during the call it is given to. No function keeps a pointer. */
struct cvm_key_host {
  size_t size; /* of this struct, as the host knows it */
  uint32_t abi;

  /* The store's bytes: how many there are, or, in format, how many there may be. */
  uint64_t (*store_size)(const struct cvm_key_host* host);
  /* Copies `size` bytes from `offset` on; 0, or -1 where they are not there. In format nothing is. */
  int (*store_read)(const struct cvm_key_host* host, uint64_t offset, void* buffer, size_t size);
  /* In format only: 0, or -1 where that is past the end. Bytes that were skipped are zeros. The store gets as
   * many bytes as were written, all at once, when format returns CVM_KEY_OK. */
  int (*store_write)(const struct cvm_key_host* host, uint64_t offset, const void* buffer, size_t size);

  /* "cipher" (as in "aes-xts-plain64"), "key_size" (bits), "hash" (may be ""), "sector_size" (bytes), and
   * where they were asked for "pbkdf", "pbkdf_memory" (KiB), "pbkdf_parallel", "pbkdf_iterations",
   * "iter_time" (milliseconds). NULL for a name that is not known or was not asked for. The text lives as
   * long as the call. */
  const char* (*attribute)(const struct cvm_key_host* host, const char* name);

  /* A further secret, as a PIN: shows `prompt` and copies what was typed, without a newline. The number of
   * bytes, or -1 where nobody can be asked, nobody answers, or `size` is too small. */
  long (*ask)(const struct cvm_key_host* host, const char* prompt, void* buffer, size_t size);

  /* A line of text, at most 1000 bytes, of which control characters are dropped. Never with a secret in it.
   */
  void (*log)(const struct cvm_key_host* host, int level, const char* text);

  /* Fills `buffer` from the kernel's random source. */
  void (*random)(const struct cvm_key_host* host, void* buffer, size_t size);
};

/* Bits of cvm_key_handler.flags. */
#define CVM_KEY_ASKS_NO_SECRET 1u /* nobody is asked for a passphrase; secret is empty, secret_size 0 */

/* What a handler does. All of it is given as bytes; the master key is key_size bits / 8 bytes. */
struct cvm_key_handler {
  size_t size;  /* sizeof(struct cvm_key_handler) */
  uint32_t abi; /* CVM_KEY_ABI */
  uint32_t flags;
  const char* name;    /* as the file is called, without ".so" */
  const char* version; /* for a person to read */

  /* How many bytes a store with the host's attributes needs; may be 0. */
  int (*min_region)(const struct cvm_key_host* host, uint64_t* bytes);

  /* Makes a new store: its bytes by store_write, its new master key into `key`. */
  int (*format)(const struct cvm_key_host* host, const void* secret, size_t secret_size, void* key,
                size_t key_size);

  /* The master key into `key`; CVM_KEY_WRONG where the secret does not open the store. The store may be
   * longer than what format wrote, and it comes from a disk: believe nothing. */
  int (*unlock)(const struct cvm_key_host* host, const void* secret, size_t secret_size, void* key,
                size_t key_size);

  /* CVM_KEY_OK where `key` is the store's master key, CVM_KEY_WRONG where it is not. May be NULL: the host
   * then keeps a digest of the key in the metadata and compares with that. */
  int (*verify)(const struct cvm_key_host* host, const void* key, size_t key_size);
};

/* What a handler defines. It may look at the host's size and abi; NULL: it can't work with this host. */
const struct cvm_key_handler* cvm_key_handler_get(const struct cvm_key_host* host);

#ifdef __cplusplus
}
#endif

#endif
