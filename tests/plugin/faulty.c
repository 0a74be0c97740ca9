/* A key handler that keeps a key in clear, and has one fault or peculiarity, which is defined by the build. */
#include <cvm-key-handler.h>

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int min_region(const struct cvm_key_host *host, uint64_t *bytes) {
  (void)host;
  *bytes = 4096;
  return CVM_KEY_OK;
}

static int format(const struct cvm_key_host *host, const void *secret, size_t secret_size, void *key,
                                  size_t key_size) {
  (void)secret;
  (void)secret_size;
  host->random(host, key, key_size);
  return host->store_write(host, 0, key, key_size) ? CVM_KEY_NO_ROOM : CVM_KEY_OK;
}

#ifdef LOOKS_AROUND
/* Tells what it found that a handler has no business with. */
static void look_around(const struct cvm_key_host *host) {
  char line[400];
  DIR *dir = opendir("/proc/self/fd");
  for (struct dirent *one; dir && (one = readdir(dir));) {
    if (atoi(one->d_name) <= 4 || atoi(one->d_name) == dirfd(dir)) continue;
    snprintf(line, sizeof line, "descriptor %s is open", one->d_name);
    host->log(host, CVM_KEY_LOG_WARNING, line);
  }
  if (dir) closedir(dir);
  snprintf(line, sizeof line, "terminal %d, leads its group %d, size %d\n\x1b[31m", isatty(0), getpgrp() == getpid(),
           host->store_read(host, host->store_size(host), line, 1));
  host->log(host, CVM_KEY_LOG_WARNING, line);
}
#endif

static int unlock(const struct cvm_key_host *host, const void *secret, size_t secret_size, void *key,
                                  size_t key_size) {
  (void)secret;
  (void)secret_size;
#if defined(CRASHES)
  raise(SIGSEGV);
#elif defined(HANGS)
  for (;;) pause();
#elif defined(LEAVES_CHILDREN)
  char line[50];
  pid_t child = fork();
  if (child == 0)
    for (;;) pause();
  snprintf(line, sizeof line, "child %d", (int)child);
  host->log(host, CVM_KEY_LOG_WARNING, line);
#elif defined(DISAPPEARS)
  exit(0);
#elif defined(TALKS_NONSENSE)
  if (write(3, "\x63nonsense", 9) < 0) return CVM_KEY_FAILED;
#elif defined(ANSWERS_NOTHING)
  return 99;
#elif defined(ASKS_PIN)
  char pin[8];
  long size = host->ask(host, "PIN of the token: ", pin, sizeof pin);
  if (size < 0) {
    host->log(host, CVM_KEY_LOG_ERROR, "the token wants a PIN");
    return CVM_KEY_NO_SECRET;
  }
  if (size != 4 || memcmp(pin, "1234", 4) != 0) return CVM_KEY_WRONG;
#elif defined(LOOKS_AROUND)
  look_around(host);
#endif
  return host->store_read(host, 0, key, key_size) ? CVM_KEY_DAMAGED : CVM_KEY_OK;
}

#if defined(CRASHES_EARLY)
__attribute__((constructor)) static void at_start(void) { abort(); }
#elif defined(HANGS_EARLY)
__attribute__((constructor)) static void at_start(void) {
  for (;;) pause();
}
#endif

static const struct cvm_key_handler handler = {
#ifdef IS_TOO_SMALL
    .size = sizeof(size_t),
#else
    .size = sizeof handler,
#endif
#ifdef HAS_OTHER_ABI
    .abi = CVM_KEY_ABI + 1,
#else
    .abi = CVM_KEY_ABI,
#endif
#ifdef NEEDS_NO_SECRET
    .flags = CVM_KEY_ASKS_NO_SECRET,
#endif
#ifdef HAS_OTHER_NAME
    .name = "luks2",
#else
    .name = NAME,
#endif
    .version = "1",
    .min_region = min_region,
    .format = format,
    .unlock = unlock,
};

#ifdef WANTS_LIBRARY
void of_a_library_that_is_not_there(void);
#endif

#ifdef HAS_NO_SYMBOL
const struct cvm_key_handler *something_else(void);
const struct cvm_key_handler *something_else(void) { return &handler; }
#else
const struct cvm_key_handler *cvm_key_handler_get(const struct cvm_key_host *host) {
  (void)host;
#if defined(REFUSES_HOST)
  return (void)handler, NULL;
#elif defined(WANTS_LIBRARY)
  of_a_library_that_is_not_there();
#endif
  return &handler;
}
#endif
