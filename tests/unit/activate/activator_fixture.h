// What tests of the activator start from: a group with an encrypted volume, a kernel in memory, its key.
#pragma once

#include <gtest/gtest.h>

#include "activate/activator.h"
#include "tests/support/crypt_samples.h"
#include "tests/support/fake_mapper.h"
#include "tests/support/memory_keyring.h"
#include "tests/support/sample_group.h"
#include "tests/support/silence.h"
#include "tests/support/temp_dir.h"

namespace cv::activate {

using namespace cv::test;
using metadata::VolumeGroup;

inline VolumeGroup striped_tst() {
  auto vg = group_with_tst();
  metadata::find_lv(vg, "tst_crdata")->segments = {striped(0, 4, {on_pv(0, 0), on_pv(1, 5)})};
  return vg;
}

/// Two extents longer, and what it lies on.
inline VolumeGroup longer(VolumeGroup vg) {
  auto& data = metadata::find_lv(vg, "tst_crdata")->segments;
  const bool is_striped = std::get<metadata::Striped>(data.front().kind).stripes.size() > 1;
  data.push_back(is_striped ? striped(4, 2, {on_pv(0, 9), on_pv(1, 9)}) : linear(4, 2, on_pv(0, 5)));
  metadata::find_lv(vg, "tst")->segments.front().count = Extents(6);
  return vg;
}

/// A kernel and a keyring in memory.
class ActivatorTest : public testing::Test {
 protected:
  ActivatorTest() { mapper_.use_keyring(keyring_); }

  KeyCache::Settings settings() {
    KeyCache::Settings settings;
    settings.run_dir = run_dir_.path("run");
    return settings;
  }

  static StoreId store_of(const VolumeGroup& vg) { return {vg.id, metadata::lv_at(vg, "cryptostore1").id}; }

  /// With the key in the keyring, as after an unlock.
  TreeInputs unlocked(const VolumeGroup& vg) {
    auto inputs = inputs_for(vg);
    const auto id = store_of(vg);
    if (!keyring_.find(key_description(id)))
      cache_.put(id, std::make_shared<const crypt::SecureBytes>(sample_key(64)));
    inputs.keys["cryptostore1"].key = cache_.table_key(id, 64, activator_.is_active(vg, "tst"));
    return inputs;
  }

  void activate(const VolumeGroup& vg) { activator_.activate(vg, {"tst"}, unlocked(vg)); }

  Sectors live_length(const VolumeGroup& vg, const std::string& lv) {
    return length_of(mapper_.live_table(uuid_of(vg, lv)).value());
  }

  Silence silence_;
  TempDir run_dir_;
  MemoryKeyring keyring_;
  FakeMapper mapper_;
  KeyCache cache_{&keyring_, settings()};
  Activator activator_{mapper_, &cache_};
};

}  // namespace cv::activate
