#include "lib/crypt/luks_header.h"

#include <algorithm>
#include <cerrno>

#include <libcryptsetup.h>

#include "lib/base/error.h"
#include "lib/crypt/cipher_spec.h"
#include "lib/crypt/crypt_device.h"
#include "lib/crypt/luks2_json.h"
#include "lib/crypt/luks_context.h"
#include "lib/crypt/memory_file.h"

namespace cv::crypt {

namespace {

constexpr std::uint64_t kBlock = 4096;
constexpr std::uint64_t kStripes = 4000;
constexpr std::uint64_t kSlots = 8;
/// One of the two LUKS2 headers with its JSON: what cryptsetup makes.
constexpr std::uint64_t kMetadataBytes = 16 * 1024;
/// Stands for the volume while a header with payload offset 0 is made.
constexpr Bytes kDummyVolume{1024 * 1024};

std::optional<std::uint32_t> volume_key_bits(const CryptDevice& device) {
  const int bytes = crypt_get_volume_key_size(device.get());
  if (bytes <= 0) return std::nullopt;
  return static_cast<std::uint32_t>(bytes) * 8;
}

Error import_refused(std::string_view why) {
  return Error(Errc::unsupported, "the LUKS2 volume can't be taken over: {}", why);
}

/// What stands in the way of reading the volume with one dm-crypt target over its payload.
void check_importable(const Luks2Json& json) {
  const auto mentions_reencryption = [](const std::string& text) {
    return text.find("reencrypt") != std::string::npos;
  };
  const auto has_reencryption = [&](const std::vector<std::string>& texts) {
    return std::any_of(texts.begin(), texts.end(), mentions_reencryption);
  };
  const bool unfinished_segment =
      std::any_of(json.segments.begin(), json.segments.end(), [&](const Luks2Segment& segment) {
        return std::any_of(segment.flags.begin(), segment.flags.end(), [&](const std::string& flag) {
          return mentions_reencryption(flag) || flag.starts_with("backup-");
        });
      });
  if (has_reencryption(json.requirements) || has_reencryption(json.keyslot_types) || unfinished_segment) {
    throw Error(Errc::refused, "the LUKS2 volume is in the middle of a re-encryption")
        .advise("finish it first with \"cryptsetup reencrypt --resume-only\"");
  }
  if (!json.requirements.empty()) {
    throw import_refused(
        fmt::format("it requires \"{}\", which is not known here", json.requirements.front()))
        .advise("use a newer cvm");
  }
  if (json.segments.size() != 1) {
    throw import_refused(fmt::format("it has {} segments, only one can be", json.segments.size()))
        .advise("copy its files to a new volume");
  }
  const Luks2Segment& segment = json.segments.front();
  if (segment.type != "crypt") {
    throw import_refused(fmt::format("its segment is of type \"{}\"", segment.type))
        .advise("copy its files to a new volume");
  }
  if (segment.integrity) {
    throw import_refused("it has integrity protection (dm-integrity), which a crypt volume can't carry")
        .advise("copy its files to a new volume");
  }
}

void check_numbers(const LuksInfo& info) {
  const auto damaged = [](std::string_view why) {
    return Error(Errc::damaged, "the LUKS header contradicts itself: {}", why)
        .advise("try \"cryptsetup repair\" on the volume, or restore a backup of its header");
  };
  if (info.sector_bytes != 512 && info.sector_bytes != 4096) {
    throw Error(Errc::unsupported, "encryption sectors of {} bytes can't be taken over, only 512 and 4096",
                info.sector_bytes)
        .advise("copy its files to a new volume");
  }
  const std::uint64_t step = info.sector_bytes / kSectorBytes;
  if (info.iv_offset.n % step != 0 || (info.payload_length && info.payload_length->n % step != 0)) {
    throw damaged("its payload is not made of whole encryption sectors");
  }
  // A first IV at 2^63 or beyond can't be written into the metadata, nor can the end of such a payload.
  constexpr std::uint64_t kCountable = std::uint64_t{1} << 63;
  if (info.iv_offset.n >= kCountable || (info.payload_length && info.payload_length->n >= kCountable)) {
    throw damaged("a number in it is beyond 2^63");
  }
  if (info.payload_offset.n != 0 && to_bytes(info.payload_offset) < info.header_size) {
    throw damaged("its payload lies over its key slots");
  }
}

Sectors sectors_of(std::uint64_t bytes) {
  if (bytes % kSectorBytes != 0) {
    throw Error(Errc::damaged, "the LUKS2 header counts {} bytes, which are no whole sectors", bytes)
        .advise("try \"cryptsetup repair\" on the volume, or restore a backup of its header");
  }
  return Sectors(bytes / kSectorBytes);
}

void describe_luks2(const Luks2Json& json, LuksInfo& info) {
  check_importable(json);
  const Luks2Segment& segment = json.segments.front();
  info.cipher = segment.encryption;
  info.hash = json.digest_hash;
  info.sector_bytes = segment.sector_size;
  info.payload_offset = sectors_of(segment.offset);
  if (segment.size) info.payload_length = sectors_of(*segment.size);
  info.iv_offset = Sectors(segment.iv_tweak);
  info.header_size = Bytes(2) * (json.json_size + kBlock) + Bytes(json.keyslots_size);
  const auto has = [&](std::string_view flag) {
    return std::find(json.flags.begin(), json.flags.end(), flag) != json.flags.end();
  };
  info.discards = has("allow-discards");
  info.inline_workqueues = has("no-read-workqueue") && has("no-write-workqueue");
  for (const std::string& flag : json.flags) {
    const bool workqueue = flag == "no-read-workqueue" || flag == "no-write-workqueue";
    if (flag == "allow-discards" || (workqueue && info.inline_workqueues)) continue;
    info.other_flags.push_back(flag);
  }
}

}  // namespace

Bytes min_luks_region(LuksVersion version, const StoreAttributes& attributes) {
  const CipherSpec cipher = CipherSpec::parse(attributes.cipher);
  cipher.check_key_bits(attributes.key_bits);
  if (version == LuksVersion::luks1 && attributes.sector_bytes != kSectorBytes) {
    throw Error(Errc::unsupported, "luks1 knows no encryption sectors of {} bytes", attributes.sector_bytes)
        .advise("use --handler luks2, or --sector-size 512");
  }
  const Bytes slot = round_up(Bytes(attributes.key_bits / 8 * kStripes), Bytes(kBlock));
  return Bytes(version == LuksVersion::luks1 ? kBlock : 2 * kMetadataBytes) + slot * kSlots;
}

std::vector<std::byte> format_luks(LuksVersion version, const FormatRequest& request, const SecureBytes& key,
                                   const SecureBytes& passphrase) {
  const StoreAttributes& attributes = request.attributes;
  const CipherSpec cipher = CipherSpec::parse(attributes.cipher);
  const std::string hash = request.kdf.hash.empty() ? attributes.hash : request.kdf.hash;
  const Bytes region = round_down(std::min(request.region, kLargestNewHeader), Bytes(kBlock));
  const MemoryFile header = MemoryFile::zeros(region);
  const MemoryFile dummy = MemoryFile::zeros(kDummyVolume);
  const CryptDevice device(header.path(), dummy.path());
  set_kdf(device, version, request.kdf, hash);

  crypt_params_luks1 luks1{};
  luks1.hash = attributes.hash.c_str();
  crypt_params_luks2 luks2{};
  luks2.sector_size = attributes.sector_bytes;
  void* const params =
      version == LuksVersion::luks1 ? static_cast<void*>(&luks1) : static_cast<void*>(&luks2);
  int result = 0;
  if (version == LuksVersion::luks2) {
    result = crypt_set_metadata_size(device.get(), kMetadataBytes, region.n - 2 * kMetadataBytes);
    if (result < 0) throw_format_failed(version, device, result);
  }
  result = crypt_format(device.get(), type_of(version), cipher.header_cipher().c_str(),
                        cipher.header_mode().c_str(), request.uuid.empty() ? nullptr : request.uuid.c_str(),
                        key.data(), key.size(), params);
  if (result < 0) {
    during(fmt::format("cipher {}", attributes.cipher),
           [&] { throw_format_failed(version, device, result); });
  }
  result = crypt_keyslot_add_by_volume_key(device.get(), CRYPT_ANY_SLOT, key.data(), key.size(),
                                           passphrase.data(), passphrase.size());
  if (result < 0) throw_format_failed(version, device, result);
  return header.contents();
}

/// The order matters: the context lets go of the file before the file goes.
struct LuksHeader::Loaded {
  LuksVersion version;
  std::vector<std::byte> first;  ///< kLuksProbeBytes of it
  MemoryFile file;
  CryptDevice device;
};

LuksHeader::LuksHeader(std::span<const std::byte> bytes, std::optional<LuksVersion> wanted) {
  const auto not_a_header = [&](std::string_view why) {
    return Error(Errc::damaged, "these bytes are no {} header: {}", wanted ? name_of(*wanted) : "LUKS", why)
        .advise("restore the header from a backup");
  };
  if (bytes.size() < kLuksProbeBytes)
    throw not_a_header(fmt::format("there are only {} of them", bytes.size()));
  MemoryFile file = MemoryFile::read_only(bytes);
  CryptDevice device(file.path());
  const int result = crypt_load(device.get(), wanted ? type_of(*wanted) : CRYPT_LUKS, nullptr);
  if (result == -ENOMEM) throw Error(Errc::io, "there is no memory to load the LUKS header");
  if (result < 0) throw not_a_header(device.reason(result));
  const bool luks1 = std::string_view(crypt_get_type(device.get())) == CRYPT_LUKS1;
  const auto first = bytes.first(kLuksProbeBytes);
  loaded_ = std::make_unique<Loaded>(Loaded{.version = luks1 ? LuksVersion::luks1 : LuksVersion::luks2,
                                            .first = {first.begin(), first.end()},
                                            .file = std::move(file),
                                            .device = std::move(device)});
}

LuksHeader::~LuksHeader() = default;
LuksHeader::LuksHeader(LuksHeader&&) noexcept = default;
LuksHeader& LuksHeader::operator=(LuksHeader&&) noexcept = default;

LuksVersion LuksHeader::version() const {
  return loaded_->version;
}

std::string LuksHeader::uuid() const {
  const char* const uuid = crypt_get_uuid(loaded_->device.get());
  return uuid == nullptr ? "" : uuid;
}

std::uint32_t LuksHeader::key_bits() const {
  return volume_key_bits(loaded_->device).value_or(0);
}

std::vector<int> LuksHeader::slots() const {
  std::vector<int> used;
  for (int slot = 0; slot < crypt_keyslot_max(type_of(version())); ++slot) {
    const crypt_keyslot_info status = crypt_keyslot_status(loaded_->device.get(), slot);
    if (status == CRYPT_SLOT_ACTIVE || status == CRYPT_SLOT_ACTIVE_LAST) used.push_back(slot);
  }
  return used;
}

std::optional<Unlocked> LuksHeader::unlock(const SecureBytes& passphrase) const {
  if (slots().empty()) {
    throw Error(Errc::key_wrong, "the {} header has no key slot, so no secret opens it", name_of(version()))
        .advise("restore the header from a backup");
  }
  SecureBytes key(key_bits() / 8);
  if (key.empty()) {
    throw Error(Errc::damaged, "no key slot of the {} header says how long the key is", name_of(version()))
        .advise("restore the header from a backup");
  }
  std::size_t size = key.size();
  const int slot = crypt_volume_key_get(loaded_->device.get(), CRYPT_ANY_SLOT, key.data(), &size,
                                        passphrase.empty() ? "" : passphrase.data(), passphrase.size());
  if (slot == -EPERM || slot == -ENOENT) return std::nullopt;
  if (slot == -ENOMEM) {
    throw Error(Errc::unsupported, "there is too little memory for the key derivation of this key slot")
        .advise("free some memory, or open it elsewhere and add a key slot with a smaller --pbkdf-memory");
  }
  if (slot < 0) {
    throw Error(Errc::unsupported, "the key slots can't be read here: {}", loaded_->device.reason(slot))
        .advise(
            "the cipher of the header may need the kernel's crypto API (CONFIG_CRYPTO_USER_API_SKCIPHER)");
  }
  key.shrink(size);
  return Unlocked{.key = std::move(key), .slot = slot};
}

bool LuksHeader::verify(const SecureBytes& key) const {
  if (key.empty() || key.size() * 8 != key_bits()) return false;
  const int result = crypt_volume_key_verify(loaded_->device.get(), key.data(), key.size());
  if (result >= 0) return true;
  if (result == -EPERM) return false;
  throw Error(Errc::unsupported, "the key can't be checked: {}", loaded_->device.reason(result));
}

LuksInfo LuksHeader::info() const {
  crypt_device* const device = loaded_->device.get();
  LuksInfo info{.version = version(), .uuid = uuid(), .slots = slots()};
  if (version() == LuksVersion::luks1) {
    info.cipher = fmt::format("{}-{}", crypt_get_cipher(device), crypt_get_cipher_mode(device));
    info.hash = luks1_hash(loaded_->first);
    info.payload_offset = Sectors(crypt_get_data_offset(device));
    if (const auto area = luks_area(loaded_->first)) info.header_size = area->size;
  } else {
    const char* text = nullptr;
    const int result = crypt_dump_json(device, &text, 0);
    const auto json = result < 0 ? std::nullopt : parse_luks2_json(text);
    if (!json) {
      throw Error(Errc::damaged, "the JSON of the LUKS2 header can't be read: {}",
                  loaded_->device.reason(result))
          .advise("restore the header from a backup");
    }
    describe_luks2(*json, info);
  }
  if (info.slots.empty()) {
    throw Error(Errc::refused, "the {} header has no key slot, so nothing opens its volume",
                name_of(version()))
        .advise("restore the header from a backup");
  }
  info.key_bits = key_bits();
  check_numbers(info);
  CipherSpec::parse(info.cipher).check_key_bits(info.key_bits);
  return info;
}

}  // namespace cv::crypt
