#include "tools/volume_arguments.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <filesystem>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "metadata/group_keys.h"
#include "tools/common_options.h"
#include "tools/sizes.h"

namespace cv::tools {

using namespace metadata;

namespace {

constexpr Bytes kDefaultStripe{64 * 1024};
constexpr Bytes kLeastStripe{4096};

std::string canonical(const std::string& path) {
  std::error_code failure;
  const auto resolved = std::filesystem::weakly_canonical(path, failure);
  return failure ? path : resolved.string();
}

const PhysicalVolume& pv_on(const VolumeGroup& vg, const PvDevices& devices, const std::string& path) {
  for (const auto& [id, device] : devices) {
    if (device == nullptr) continue;
    if (device->path() == path || canonical(device->path()) == canonical(path)) {
      const PhysicalVolume* pv = find_pv(vg, id);
      if (pv != nullptr) return *pv;
    }
  }
  throw Error(Errc::not_found, "{} is no PV of {}", path, vg.name).advise("`cvm pvs` lists the PVs");
}

std::uint64_t parse_extent(std::string_view text, std::string_view word) {
  std::uint64_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || failure != std::errc() || end != text.data() + text.size())
    throw Error(Errc::usage, "\"{}\" is no range of extents: \"{}\" is no number", word, text)
        .advise("write PV:FIRST-LAST");
  return number;
}

ExtentRange parse_range(std::string_view text, std::string_view word, Extents pe_count) {
  if (const auto plus = text.find('+'); plus != std::string_view::npos) {
    const Extents from(parse_extent(text.substr(0, plus), word));
    const Extents count(parse_extent(text.substr(plus + 1), word));
    if (count.n == 0) throw Error(Errc::usage, "the range in \"{}\" has no extents", word);
    if (from >= pe_count || count > pe_count - from)
      throw Error(Errc::usage, "the range in \"{}\" reaches past the PV's {} extents", word, pe_count.n);
    return {from, from + count};
  }
  const auto hyphen = text.find('-');
  const std::uint64_t first = parse_extent(text.substr(0, hyphen), word);
  Extents last = Extents(first);
  if (hyphen != std::string_view::npos) {
    const std::string_view end = text.substr(hyphen + 1);
    last = end.empty() ? pe_count - Extents(1) : Extents(parse_extent(end, word));
  }
  if (last < Extents(first)) throw Error(Errc::usage, "the range in \"{}\" ends before it begins", word);
  if (last >= pe_count)
    throw Error(Errc::usage, "the range in \"{}\" reaches extent {}, the PV has {}", word, last.n,
                pe_count.n);
  return {Extents(first), last + Extents(1)};
}

}  // namespace

namespace {

void add_tagged(std::vector<Permitted>& permitted, const VolumeGroup& vg, const std::string& tag) {
  const auto before = permitted.size();
  for (const PhysicalVolume& pv : vg.pvs)
    if (std::ranges::find(pv.tags, tag) != pv.tags.end())
      permitted.push_back({pv.id, {Extents(0), pv.pe_count}});
  if (permitted.size() == before)
    throw Error(Errc::not_found, "no PV of {} has the tag {}", vg.name, tag).advise("`cvm pvs -o +pv_tags`");
}

}  // namespace

Allocation allocation_named(std::string_view name) {
  for (const auto& [word, policy] : kAllocations)
    if (word == name) return policy;
  throw Error(Errc::usage, "'{}' is no allocation policy", name);
}

std::vector<Permitted> permitted_extents(const VolumeGroup& vg, const PvDevices& devices,
                                         const std::vector<std::string>& words) {
  std::vector<Permitted> permitted;
  for (const std::string& word : words) {
    if (word.starts_with("@")) {
      add_tagged(permitted, vg, word.substr(1));
      continue;
    }
    const auto colon = word.find(':');
    const PhysicalVolume& pv = pv_on(vg, devices, word.substr(0, colon));
    if (colon == std::string::npos) {
      permitted.push_back({pv.id, {Extents(0), pv.pe_count}});
      continue;
    }
    for (std::string_view rest = std::string_view(word).substr(colon + 1); !rest.empty();) {
      const auto next = rest.find(':');
      permitted.push_back({pv.id, parse_range(rest.substr(0, next), word, pv.pe_count)});
      rest = next == std::string_view::npos ? std::string_view() : rest.substr(next + 1);
    }
  }
  return permitted;
}

Placement placement_from(const Arguments& arguments, const VolumeGroup& vg, const PvDevices& devices,
                         std::size_t first_pv) {
  Placement placement;
  const auto& operands = arguments.operands();
  placement.permitted = permitted_extents(
      vg, devices,
      {operands.begin() + static_cast<std::ptrdiff_t>(std::min(first_pv, operands.size())), operands.end()});
  placement.own_stripes = arguments.has(kStripes);
  placement.stripes = static_cast<std::uint32_t>(arguments.number(kStripes, 128).value_or(1));
  if (placement.stripes == 0) throw Error(Errc::usage, "a volume has at least one stripe");
  Bytes stripe = kDefaultStripe;
  if (const auto text = arguments.text(kStripeSize)) stripe = parse_size(*text);
  const Bytes extent = to_bytes(vg.extent_size);
  if (!arguments.has(kStripeSize)) stripe = std::min(stripe, extent);
  if (placement.stripes > 1) {
    if (stripe > extent && std::has_single_bit(stripe.n)) {
      log::info("Reducing requested stripe size {} to maximum, physical extent size {}.", format_size(stripe),
                format_size(extent));
      stripe = std::bit_floor(extent.n) == extent.n ? extent : Bytes(std::bit_floor(extent.n));
    }
    if (stripe < kLeastStripe || !std::has_single_bit(stripe.n) || stripe > extent)
      throw Error(Errc::bad_size, "stripes of {} are not possible", format_size(stripe))
          .advise("a stripe size is a power of two from 4k up to the extent size of {}", format_size(extent));
    placement.stripe_size = whole_sectors(stripe);
  } else if (arguments.has(kStripeSize)) {
    throw Error(Errc::usage, "--stripesize goes with --stripes");
  }
  if (const auto policy = arguments.text(kAlloc)) placement.policy = allocation_named(*policy);
  return placement;
}

}  // namespace cv::tools
