// What the tests of edits say to one another: questions about a group, and a group to begin with.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "lib/base/error.h"
#include "metadata/edit.h"
#include "metadata/group_text.h"
#include "tests/support/fixture_files.h"
#include "tests/support/group_builder.h"

namespace cv::test {

inline std::vector<std::string> names_of(const metadata::VolumeGroup& vg) {
  std::vector<std::string> names;
  for (const metadata::LogicalVolume& lv : vg.lvs) names.push_back(lv.name);
  return names;
}

/// A group that the real LVM2 wrote: tests/golden/on_disk/NAME.txt.
inline metadata::VolumeGroup on_disk(const std::string& name) {
  return metadata::read_group(test_file("golden/on_disk/" + name + ".txt"), metadata::TextForm::on_disk);
}

inline std::string text_of(const metadata::VolumeGroup& vg) {
  return metadata::print_group(vg, {});
}

template <class Deed>
Error error_of(Deed&& deed) {
  try {
    deed();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return Error(Errc::io, "nothing");
}

inline const metadata::Crypt& crypt_in(const metadata::VolumeGroup& vg, const std::string& lv,
                                       std::size_t segment = 0) {
  return std::get<metadata::Crypt>(metadata::lv_at(vg, lv).segments.at(segment).kind);
}

inline const metadata::Keystore& store_in(const metadata::VolumeGroup& vg,
                                          const std::string& name = "cryptostore1") {
  return *metadata::keystore_of(metadata::lv_at(vg, name));
}

inline metadata::VolumeGroup group_with_crypt(std::uint64_t extents = 4) {
  const metadata::NewId ids = counting_ids();
  metadata::VolumeGroup vg = create_store(group_with({31, 31}), luks_store(), ids);
  return create_crypt(vg, crypt_volume("a", extents), ids);
}

}  // namespace cv::test
