// What we write is what stock LVM2 prints: every group of the fixtures, written by us to loop devices, is
// told back token by token by vgcfgbackup and by a rewrite (vgck --updatemetadata).
//
// Passed over is what stock does to any text: it counts the rewrite, puts visible volumes first, and says
// anew by which name it knows a device.
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <map>
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/config/parse.h"
#include "tests/interop/disk/stock_lvm.h"
#include "tests/support/fixture_files.h"
#include "tests/support/good_texts.h"
#include "tests/support/silence.h"

namespace cv::metadata {
namespace {

using test::GoodText;
using test::StockLvm;
using test::test_file;

/// A text in words, without layout and comments. "x = 1" and "x = [1]" are the same to LVM2.
struct Told {
  std::vector<std::string> group;  ///< all but the volumes
  std::map<std::string, std::vector<std::string>> volumes;
  std::vector<std::string> visible;  ///< in their order
};

std::string word_of(const config::Item& item) {
  using Kind = config::Item::Kind;
  if (item.kind == Kind::integer) return std::to_string(item.integer);
  if (item.kind == Kind::real) return fmt::format("{:f}", std::stod(std::string(item.text)));
  return fmt::format("\"{}\"", item.text);
}

Told told_by(const std::string& text, const std::string& group) {
  Told told;
  config::Parser parser(text);
  std::vector<std::string> open;
  for (;;) {
    const config::Event& event = parser.next();
    if (event.kind == config::Event::Kind::end) return told;
    if (event.kind == config::Event::Kind::section) {
      open.emplace_back(event.key);
    } else if (event.kind == config::Event::Kind::end_section) {
      open.pop_back();
      continue;
    }
    if (open.empty() || open[0] != group) continue;
    if (event.kind == config::Event::Kind::value && (event.key == "seqno" || event.key.starts_with("device")))
      continue;
    std::string line = fmt::format("{}", fmt::join(open, "/"));
    if (event.kind == config::Event::Kind::value) {
      line += fmt::format("/{} =", event.key);
      for (const auto& item : event.items) line += " " + word_of(item);
    }
    const bool in_volume = open.size() >= 3 && open[1] == "logical_volumes";
    if (in_volume && open.size() == 3 && event.kind == config::Event::Kind::value && event.key == "status" &&
        line.find("\"VISIBLE\"") != std::string::npos)
      told.visible.push_back(open[2]);
    (in_volume ? told.volumes[open[2]] : told.group).push_back(line);
  }
}

void expect_same(const Told& ours, const Told& theirs) {
  EXPECT_EQ(ours.group, theirs.group);
  EXPECT_EQ(ours.volumes, theirs.volumes);
  EXPECT_EQ(ours.visible, theirs.visible);
}

/// Those that stock reads and we write: it can't where a keystore has no extents, we don't where data LVs
/// have no owner.
std::vector<GoodText> texts_of_fixtures() {
  std::vector<GoodText> all = test::good_texts();
  std::erase_if(all, [](const GoodText& good) {
    return good.path.starts_with("fixtures/grammar/") || good.path.starts_with("golden/guest/") ||
           good.path.find("crypt-seed-verbatim") != std::string::npos ||
           good.path.find("crypt-shared-placeholder") != std::string::npos;
  });
  return all;
}

/// The group on PVs of ours with the ids it knows, and nothing else on the devices.
void write_group(const StockLvm& lvm, VolumeGroup vg) {
  auto store = lvm.store();
  for (std::size_t i = 0; i < vg.pvs.size(); ++i) {
    store.create_pv(lvm.device(i), {.id = vg.pvs[i].id, .layout = {}});
    vg.pvs[i].device = lvm.device(i);
  }
  auto change = store.begin_new(vg.name);
  change.prepare(vg, "written by a test");
  change.commit();
}

std::string file_of(const std::string& path) {
  const auto bytes = test::read_file(path);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(StockLvm2, PrintsBackEveryGroupOfTheFixturesAsWeWroteIt) {
  const test::Silence silence;
  const test::TempDir room;
  const auto texts = texts_of_fixtures();
  unsigned rewritten = 0;
  for (const GoodText& good : texts) {
    SCOPED_TRACE(good.path);
    const VolumeGroup vg = read_group(test_file(good.path), good.form);
    Sectors largest(65536);
    for (const PhysicalVolume& pv : vg.pvs)
      largest = std::max({largest, pv.dev_size.value_or(Sectors(0)),
                          pv.pe_start + to_sectors(pv.pe_count, vg.extent_size) + Sectors(4096)});
    const StockLvm lvm(static_cast<unsigned>(vg.pvs.size()), to_bytes(largest));
    const std::string backup = room.path("backup");
    const std::string dump = room.path("dump");

    write_group(lvm, vg);
    lvm.must(fmt::format("vgcfgbackup --foreign -f {} {}", backup, vg.name));
    const Told ours = told_by(print_group(vg, {}), vg.name);
    {
      SCOPED_TRACE("vgcfgbackup");
      expect_same(ours, told_by(file_of(backup), vg.name));
    }

    // Groups that stock may not write are left alone by it.
    if (lvm.run("vgck --updatemetadata " + vg.name).status != 0) continue;
    ++rewritten;
    std::filesystem::remove(dump);
    lvm.must(fmt::format("pvck --dump metadata -f {} {}", dump, lvm.device(0)));
    SCOPED_TRACE("vgck --updatemetadata");
    expect_same(ours, told_by(file_of(dump), vg.name));
  }
  std::cout << fmt::format("printed back: {} groups by vgcfgbackup, {} by vgck\n", texts.size(), rewritten);
  EXPECT_GT(rewritten, texts.size() / 2);
}

}  // namespace
}  // namespace cv::metadata
