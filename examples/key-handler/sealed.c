/* A key handler: the master key is sealed with AES-256-GCM under a key that PBKDF2 makes of a passphrase.
 *
 * An example of the interface, small enough to be read; what to use in earnest is luks2. */
#include <cvm-key-handler.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { MAGIC = 8, SALT = 16, NONCE = 12, TAG = 16, DIGEST = 32, WRAP = 32, LARGEST_KEY = 512 };
enum { DEFAULT_ITERATIONS = 600000, MOST_ITERATIONS = 10000000 };

static const char magic[MAGIC] = "SEALED1";

/* The store: head, sealed key, tag, digest of the key. Numbers are little-endian. */
struct head {
  char magic[MAGIC];
  unsigned char salt[SALT];
  unsigned char nonce[NONCE];
  unsigned char iterations[4];
  unsigned char key_size[4];
};

static void put32(unsigned char *at, uint32_t value) {
  for (int i = 0; i < 4; ++i) at[i] = (unsigned char)(value >> (8 * i));
}

static uint32_t take32(const unsigned char *at) {
  return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint32_t number(const struct cvm_key_host *host, const char *name, uint32_t otherwise) {
  const char *text = host->attribute(host, name);
  return text ? (uint32_t)strtoul(text, NULL, 10) : otherwise;
}

static int fails(const struct cvm_key_host *host, enum cvm_key_result why, const char *sentence) {
  host->log(host, CVM_KEY_LOG_ERROR, sentence);
  return why;
}

static int derive(const struct head *head, const void *secret, size_t size, unsigned char wrap[WRAP]) {
  return PKCS5_PBKDF2_HMAC(secret, (int)size, head->salt, SALT, (int)take32(head->iterations), EVP_sha256(), WRAP, wrap);
}

static int digest(const struct head *head, const void *key, size_t size, unsigned char out[DIGEST]) {
  EVP_MD_CTX *md = EVP_MD_CTX_new();
  int ok = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) && EVP_DigestUpdate(md, head->salt, SALT) &&
           EVP_DigestUpdate(md, key, size) && EVP_DigestFinal_ex(md, out, NULL);
  EVP_MD_CTX_free(md);
  return ok;
}

static int min_region(const struct cvm_key_host *host, uint64_t *bytes) {
  uint32_t key_size = number(host, "key_size", 0) / 8;
  if (key_size > LARGEST_KEY) return fails(host, CVM_KEY_UNSUPPORTED, "keys have at most 4096 bits");
  *bytes = sizeof(struct head) + key_size + TAG + DIGEST;
  return CVM_KEY_OK;
}

static int format(const struct cvm_key_host *host, const void *secret, size_t secret_size, void *key,
                                  size_t key_size) {
  struct head head;
  unsigned char wrap[WRAP], sealed[LARGEST_KEY], tag[TAG], check[DIGEST];
  uint32_t iterations = number(host, "pbkdf_iterations", DEFAULT_ITERATIONS);
  if (key_size > LARGEST_KEY) return fails(host, CVM_KEY_UNSUPPORTED, "keys have at most 4096 bits");
  if (iterations > MOST_ITERATIONS) return fails(host, CVM_KEY_UNSUPPORTED, "at most 10000000 iterations");
  memcpy(head.magic, magic, MAGIC);
  host->random(host, head.salt, SALT);
  host->random(host, head.nonce, NONCE);
  put32(head.iterations, iterations);
  put32(head.key_size, (uint32_t)key_size);
  host->random(host, key, key_size);

  int n = 0;
  EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
  int ok = c && derive(&head, secret, secret_size, wrap) &&
           EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, wrap, head.nonce) &&
           EVP_EncryptUpdate(c, NULL, &n, (const unsigned char *)&head, sizeof head) &&
           EVP_EncryptUpdate(c, sealed, &n, key, (int)key_size) && EVP_EncryptFinal_ex(c, sealed + n, &n) &&
           EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, TAG, tag) && digest(&head, key, key_size, check);
  EVP_CIPHER_CTX_free(c);
  OPENSSL_cleanse(wrap, sizeof wrap);
  if (!ok) return fails(host, CVM_KEY_FAILED, "libcrypto can't seal the key");

  if (host->store_write(host, 0, &head, sizeof head) ||
      host->store_write(host, sizeof head, sealed, key_size) ||
      host->store_write(host, sizeof head + key_size, tag, TAG) ||
      host->store_write(host, sizeof head + key_size + TAG, check, DIGEST))
    return fails(host, CVM_KEY_NO_ROOM, "the store is too small");
  return CVM_KEY_OK;
}

/* Reads and judges the head. */
static int read_head(const struct cvm_key_host *host, size_t key_size, struct head *head) {
  if (host->store_read(host, 0, head, sizeof *head) || memcmp(head->magic, magic, MAGIC))
    return fails(host, CVM_KEY_DAMAGED, "the store does not begin as a sealed one does");
  if (take32(head->key_size) != key_size || key_size > LARGEST_KEY)
    return fails(host, CVM_KEY_DAMAGED, "the sealed key has another size than the metadata says");
  if (take32(head->iterations) == 0 || take32(head->iterations) > MOST_ITERATIONS)
    return fails(host, CVM_KEY_DAMAGED, "the number of iterations is absurd");
  return CVM_KEY_OK;
}

static int unlock(const struct cvm_key_host *host, const void *secret, size_t secret_size, void *key,
                                  size_t key_size) {
  struct head head;
  unsigned char wrap[WRAP], sealed[LARGEST_KEY], tag[TAG];
  int result = read_head(host, key_size, &head);
  if (result != CVM_KEY_OK) return result;
  if (host->store_read(host, sizeof head, sealed, key_size) ||
      host->store_read(host, sizeof head + key_size, tag, TAG))
    return fails(host, CVM_KEY_DAMAGED, "the store ends too early");

  int n = 0;
  EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
  int ready = c && derive(&head, secret, secret_size, wrap) &&
              EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, wrap, head.nonce) &&
              EVP_DecryptUpdate(c, NULL, &n, (const unsigned char *)&head, sizeof head) &&
              EVP_DecryptUpdate(c, key, &n, sealed, (int)key_size) &&
              EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, TAG, tag);
  int opens = ready && EVP_DecryptFinal_ex(c, (unsigned char *)key + n, &n) > 0;
  EVP_CIPHER_CTX_free(c);
  OPENSSL_cleanse(wrap, sizeof wrap);
  if (!ready) return fails(host, CVM_KEY_FAILED, "libcrypto can't open the sealed key");
  if (opens) return CVM_KEY_OK;
  OPENSSL_cleanse(key, key_size);
  return CVM_KEY_WRONG;
}

static int verify(const struct cvm_key_host *host, const void *key, size_t key_size) {
  struct head head;
  unsigned char is[DIGEST], should[DIGEST];
  int result = read_head(host, key_size, &head);
  if (result != CVM_KEY_OK) return result;
  if (host->store_read(host, sizeof head + key_size + TAG, should, DIGEST))
    return fails(host, CVM_KEY_DAMAGED, "the store ends too early");
  if (!digest(&head, key, key_size, is)) return fails(host, CVM_KEY_FAILED, "libcrypto can't hash");
  return CRYPTO_memcmp(is, should, DIGEST) == 0 ? CVM_KEY_OK : CVM_KEY_WRONG;
}

static const struct cvm_key_handler handler = {
    .size = sizeof handler,
    .abi = CVM_KEY_ABI,
    .name = "sealed",
    .version = "1",
    .min_region = min_region,
    .format = format,
    .unlock = unlock,
    .verify = verify,
};

const struct cvm_key_handler *cvm_key_handler_get(const struct cvm_key_host *host) {
  return host->size >= sizeof *host && host->abi == CVM_KEY_ABI ? &handler : NULL;
}
