// Volume groups made up for tests.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>

#include "metadata/edit.h"

namespace cv::test {

/// An id that is the number in decimal, padded: readable in failures.
IdCharacters numbered_id(std::uint64_t number);
template <class IdType>
IdType id_of(std::uint64_t number) {
  const IdCharacters characters = numbered_id(number);
  return *IdType::parse({characters.data(), characters.size()});
}

/// Gives 1000, 1001, ...
metadata::NewId counting_ids(std::uint64_t first = 1000);

/// "vg0" with one PV of so many extents for each number; extents of 4 MiB, PVs 1 to n begin at sector 2048.
metadata::VolumeGroup group_with(std::initializer_list<std::uint64_t> pv_extents);

metadata::NewVolume volume_called(const std::string& name, std::uint64_t extents);
/// A luks1-like store with a region of one extent and one copy.
metadata::NewKeystore luks_store(const std::string& name = "cryptostore1");
/// A plain store, which has no bytes.
metadata::NewKeystore plain_store(const std::string& name = "cryptostore1", std::uint64_t first_iv = 0);
metadata::NewCryptVolume crypt_volume(const std::string& name, std::uint64_t extents,
                                      const std::string& store = "cryptostore1");

/// The RFC's example, as its text would be read: "tst" on a plain store, "luks1" on a LUKS store.
metadata::VolumeGroup rfc_group();

}  // namespace cv::test
