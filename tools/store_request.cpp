#include "tools/store_request.h"

#include <array>

#include "lib/base/bytes.h"
#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/crypt/cipher_spec.h"
#include "metadata/disk/store_trailer.h"
#include "metadata/iv_space.h"
#include "metadata/names.h"
#include "tools/common_options.h"
#include "tools/group_change.h"

namespace cv::tools {

using namespace metadata;

namespace {

constexpr std::string_view kDefaultHandler = "luks2";
constexpr std::uint32_t kMaxKeyBits = 4096;

std::uint32_t small_number(const Arguments& arguments, const Option& option, std::uint32_t otherwise,
                           std::uint32_t max) {
  return static_cast<std::uint32_t>(arguments.number(option, max).value_or(otherwise));
}

crypt::StoreAttributes attributes_of(const NewKeystore& wanted) {
  crypt::StoreAttributes attributes;
  attributes.cipher = wanted.cipher;
  attributes.key_bits = wanted.key_bits;
  attributes.hash = wanted.key_hash;
  attributes.sector_bytes = wanted.sector_bytes;
  return attributes;
}

/// Where the IVs of a store without a header begin: its key may have been used elsewhere. Ciphers that count
/// IVs in 32 bits have no room for that.
Sectors random_first_iv(const std::string& cipher) {
  if (crypt::CipherSpec::parse(cipher).has_32_bit_iv()) return Sectors();
  constexpr std::uint64_t kWindows = std::uint64_t{1} << 22;  // leaves half of 2^63 for what comes
  std::array<std::byte, sizeof(std::uint64_t)> random{};
  fill_random(random);
  std::uint64_t number = 0;
  for (const std::byte byte : random) number = number << 8 | std::to_integer<std::uint64_t>(byte);
  return kIvWindow * (number % kWindows);
}

bool keeps_bytes(const NewKeystore& wanted) {
  return wanted.region.n > 0;
}

Bytes handler_region(const VolumeGroup& vg, const NewKeystore& wanted) {
  const Extents extents =
      extents_for(whole_sectors(round_up(wanted.region, Bytes(kSectorBytes))), vg.extent_size);
  return to_bytes(to_sectors(extents, vg.extent_size)) - Bytes(kStoreTrailerBytes);
}

}  // namespace

OptionGroup new_store_options() {
  return {"Options of a new keystore",
          {kHandler, kCipher, kKeySize, kHash, kSectorSize, kCopies, kNoKeyCheck}};
}

crypt::KdfOptions kdf_options(const Arguments& arguments) {
  crypt::KdfOptions kdf;
  kdf.type = arguments.text(kPbkdf).value_or("");
  kdf.memory_kib = small_number(arguments, kPbkdfMemory, 0, UINT32_MAX);
  kdf.parallel = small_number(arguments, kPbkdfParallel, 0, 128);
  kdf.iterations = small_number(arguments, kPbkdfForceIterations, 0, UINT32_MAX);
  kdf.milliseconds = small_number(arguments, kIterTime, 0, UINT32_MAX);
  return kdf;
}

NewKeystore requested_store(Session& session, const VolumeGroup& vg, const std::string& name) {
  const Arguments& arguments = session.arguments();
  NewKeystore wanted;
  wanted.name = name.empty() ? next_store_name(vg) : name;
  wanted.handler = arguments.text(kHandler).value_or(std::string(kDefaultHandler));
  const crypt::KeyHandler& handler = session.handlers().at(wanted.handler);
  const crypt::StoreAttributes defaults;
  wanted.cipher = arguments.text(kCipher).value_or(defaults.cipher);
  wanted.key_bits = small_number(arguments, kKeySize, defaults.key_bits, kMaxKeyBits);
  wanted.key_hash = arguments.text(kHash).value_or("");
  wanted.sector_bytes = small_number(arguments, kSectorSize, defaults.sector_bytes, UINT32_MAX);
  wanted.origin = origin_of(session);
  crypt::CipherSpec::parse(wanted.cipher).check_key_bits(wanted.key_bits);
  const Bytes least = handler.min_region(attributes_of(wanted));
  if (least.n > 0) {
    wanted.region = least + Bytes(kStoreTrailerBytes);
    wanted.copies = small_number(arguments, kCopies, 0, kMostCopies);
    if (arguments.has(kCopies) && wanted.copies == 0)
      throw Error(Errc::usage, "a keystore of handler {} has at least one copy", wanted.handler);
  } else if (arguments.has(kCopies)) {
    throw Error(Errc::usage, "handler {} keeps no bytes, so there is nothing to copy", wanted.handler)
        .advise("leave --copies away");
  }
  if (wanted.handler == "plain" && arguments.has(kHash))
    throw Error(Errc::usage, "a plain key is not hashed")
        .advise("leave --hash away, or take --handler hashed");
  return wanted;
}

void require_consistent(const Arguments& arguments, const VolumeGroup& vg, const LogicalVolume& store) {
  const Keystore* keystore = keystore_of(store);
  CV_ASSERT(keystore != nullptr);
  const auto differ = [&](const Option& option, const std::string& there) {
    const auto given = arguments.text(option);
    if (!given || *given == there) return;
    throw Error(Errc::usage, "--{} {} contradicts the keystore {}/{}, which has {}", option.name, *given,
                vg.name, store.name, there.empty() ? "none" : there)
        .advise("leave --{} away, or name a new keystore", option.name);
  };
  differ(kHandler, keystore->handler);
  differ(kCipher, keystore->cipher);
  differ(kKeySize, std::to_string(keystore->key_bits));
  differ(kHash, keystore->key_hash.value_or(""));
  differ(kSectorSize, std::to_string(keystore->sector_bytes.value_or(512)));
  differ(kCopies, std::to_string(keystore->copies.size()));
  for (const Option& option : derivation_options().options)
    if (arguments.has(option))
      throw Error(Errc::usage, "--{} is for a new keystore; {}/{} exists", option.name, vg.name, store.name);
  if (arguments.has(kNoKeyCheck))
    throw Error(Errc::usage, "--no-key-check is for a new keystore; {}/{} exists", vg.name, store.name);
}

MadeStore make_store(Session& session, const Scan& scan, const VolumeGroup& vg, NewKeystore wanted) {
  const crypt::KeyHandler& handler = session.handlers().at(wanted.handler);
  crypt::FormatRequest request;
  request.attributes = attributes_of(wanted);
  request.kdf = kdf_options(session.arguments());
  request.key_check = !session.arguments().has(kNoKeyCheck);
  if (keeps_bytes(wanted)) request.region = handler_region(vg, wanted);

  activate::SecretRequest who;
  who.vg = vg.name;
  who.store = wanted.name;
  who.handler = wanted.handler;
  who.attributes = request.attributes;
  const crypt::SecureBytes secret =
      handler.needs_secret() ? session.secrets().fresh(who) : crypt::SecureBytes();

  crypt::NewStore made = during(fmt::format("making the keystore {}/{}", vg.name, wanted.name),
                                [&] { return handler.format(request, secret); });
  if (!keeps_bytes(wanted)) {
    wanted.first_iv = random_first_iv(wanted.cipher);
    if (const auto other = store_with_key(session, scan, made.key))
      throw Error(Errc::refused, "the keystore {} has this key already", *other)
          .advise(
              "share it with --keystore, or take another key: one key in two stores gives away equal "
              "contents");
  }
  wanted.key_hash = made.attributes.hash;
  wanted.key_check = made.attributes.key_check;
  return {std::move(wanted), std::move(made.bytes),
          std::make_shared<const crypt::SecureBytes>(std::move(made.key))};
}

}  // namespace cv::tools
