// Key slots of LUKS headers, through libcryptsetup on a file in memory.
#pragma once

#include <memory>

#include "lib/crypt/key_slots.h"
#include "lib/crypt/luks_layout.h"

namespace cv::crypt {

/// The longest name that a slot can have, in bytes.
inline constexpr std::size_t kLongestSlotName = 128;

/// Names of slots are kept as LUKS2 tokens; luks1 has no place for them and leaves them to others.
class LuksSlots final : public KeySlots {
 public:
  explicit LuksSlots(LuksVersion version) : version_(version) {}

  std::vector<KeySlot> list(std::span<const std::byte> store) const override;
  AddedSlot add(std::span<const std::byte> store, const SecureBytes& key, const SecureBytes& secret,
                const NewSlot& wanted) const override;
  bool keeps_names() const override { return version_ == LuksVersion::luks2; }
  std::vector<std::byte> named(std::span<const std::byte> store, int number,
                               const std::string& name) const override;
  bool is_same_slot(std::span<const std::byte> a, std::span<const std::byte> b, int number) const override;
  std::vector<std::byte> remove(std::span<const std::byte> store, int number) const override;
  std::vector<std::byte> key_digest(std::span<const std::byte> store) const override;
  std::vector<std::byte> convert(std::span<const std::byte> store, std::string_view to) const override;
  std::vector<Range<Bytes>> write_order(std::span<const std::byte> store) const override;

 private:
  struct Loaded;
  Loaded load(std::span<const std::byte> store) const;

  LuksVersion version_;
};

}  // namespace cv::crypt
